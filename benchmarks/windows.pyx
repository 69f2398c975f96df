# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""What NumPy alone does slowly: add windows that overlap to the images that they were taken from."""


def add_windows(float[:, :, :, :, :, :] windows, float[:, :, :, :] images, Py_ssize_t stride):
    """Add windows (C, HH, WW, N, H', W') to padded images (N, C, H, W), pixel by pixel."""
    cdef Py_ssize_t n, c, p, q, i, j
    for n in range(windows.shape[3]):
        for c in range(windows.shape[0]):
            for p in range(windows.shape[1]):
                for q in range(windows.shape[2]):
                    for i in range(windows.shape[4]):
                        for j in range(windows.shape[5]):
                            images[n, c, i * stride + p, j * stride + q] += windows[c, p, q, n, i, j]
