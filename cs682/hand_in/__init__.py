"""Keep trained models and pack the work into the one file that is handed in."""

from cs682.hand_in.models import keep_model, load_model

__all__ = ["keep_model", "load_model"]
