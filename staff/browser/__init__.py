"""The notebooks as a student meets them: in JupyterLab and Jupyter Notebook, in a real browser."""
