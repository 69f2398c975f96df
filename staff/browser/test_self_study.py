"""What somebody who learns alone meets: a model answer that is folded away until it is clicked."""

from __future__ import annotations

from staff.browser.pictures import SHOTS
from staff.release.build import cut
from staff.release.files import read_source
from staff.release.variant import Variant


def test_click_unfolds_the_model_answer_below_the_empty_one(open_notebook):
    files = cut(read_source(), Variant(self_study=True)).files
    notebook = open_notebook("lab", files, "Dropout")
    own, fold = (
        notebook.cell(k).locator(".jp-RenderedMarkdown") for k in ("a1", "a1-model-answer")
    )
    answer = fold.locator("strong", has_text="Training and testing no longer fit together.")
    fold.locator("summary").scroll_into_view_if_needed()
    assert not answer.is_visible()
    own.get_by_text("Write your answer here.").wait_for(state="attached")  # it is rendered late
    assert (own.text_content() or "").strip() == "Write your answer here."

    fold.locator("summary").click()

    answer.wait_for(state="visible")
    fold.locator("mjx-container").first.wait_for(state="visible")
    assert "$" not in fold.inner_text()
    notebook.shoot_cell("a1-model-answer", SHOTS / "model-answer")
