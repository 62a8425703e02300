"""Every key of the dashboard, once: key line, help and palette are all drawn from this table."""

from __future__ import annotations

from textual.binding import Binding

NUDGE = Binding.Group("rate", compact=True)

SHOWN = {
    "less_than_sign": "<",
    "greater_than_sign": ">",
    "plus": "+",
    "equals_sign": "=",
    "minus": "-",
    "full_stop": ".",
    "comma": ",",
    "question_mark": "?",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "up": "↑",
    "down": "↓",
    "left": "←",
    "right": "→",
    "slash": "/",
}
"""Keys that Textual names by a word, as they stand on the keyboard."""


def key(
    name: str, action: str, words: str, tooltip: str, id: str, group: Binding.Group | None = None
) -> Binding:
    """A binding in which nothing is left to default; `name` may list several keys."""
    shown = SHOWN.get(name.partition(",")[0])
    return Binding(
        name, action, words, key_display=shown, tooltip=tooltip, id=id, group=group, show=id in LINE
    )


LINE = (
    "resume_engine",
    "toggle_training",
    "rate_up",
    "rate_down",
    "decay",
    "sample",
    "find_rate",
    "undo",
    "inspect",
    "embedding_map",
    "schedule",
    "evaluate",
    "step",
    "type_rate",
    "batch_size",
    "temperature",
    "help",
    "quit",
)
"""The ids in the key line, the most wanted first; the last two always stand there."""

RATE, PACE = "'learning_rate'", "'pace'"

GROUPS: dict[str, tuple[Binding, ...]] = {
    "Training": (
        key("space", "toggle_training", "pause", "Stand still; again: train on",
            "toggle_training"),
        key("n", "step", "one step", "One update, while paused", "step"),
        key("less_than_sign", f"nudge({PACE}, -1)", "slower", "Fewer steps a second", "slower"),
        key("greater_than_sign", f"nudge({PACE}, 1)", "faster", "More steps a second, up to full",
            "faster"),
    ),
    "Learning rate": (
        key("plus,equals_sign", f"nudge({RATE}, 1)", "rate up", "One rung: 1, 2, 5 per decade",
            "rate_up", NUDGE),
        key("minus", f"nudge({RATE}, -1)", "rate down", "One rung down", "rate_down", NUDGE),
        key("full_stop", f"nudge({RATE}, 1, True)", "finely up", "A tenth of a decade",
            "rate_up_fine"),
        key("comma", f"nudge({RATE}, -1, True)", "finely down", "A tenth of a decade",
            "rate_down_fine"),
        key("d", "decay", "decay", "Base rate × 0.1, as in the lecture", "decay"),
        key("l", f"ask({RATE})", "type rate", "Type the base learning rate", "type_rate"),
        key("h", "ask_schedule", "schedule", "How the rate falls from now on", "schedule"),
        key("f", "find_rate", "find rate", "Try a thousand rates on a copy of the model",
            "find_rate"),
        key("b", "ask('batch_size')", "batch", "Type the examples per update", "batch_size"),
    ),
    "Time travel": (
        key("u", "undo", "undo", "Back to before the last change, weights too", "undo"),
        key("U", "redo", "redo", "Forward to where the last undo was asked for", "redo"),
        key("c", "checkpoint", "checkpoint", "Save the present state under a name", "checkpoint"),
        key("k", "snapshots", "snapshots", "Go back to a saved state, or to any step",
            "snapshots"),
        key("escape", "cancel", "cancel", "Give up a way back; or the chart's cursor", "cancel"),
    ),
    "Runs": (
        key("x", "fork", "fork", "Begin a run of its own from here", "fork"),
        key("R", "restart", "restart", "A new run with other sizes, seed, device or list",
            "restart"),
        key("o", "runs", "other runs", "All runs: compare, open, resume, rename, delete",
            "runs"),
        key("E", "take_home", "export", "Write samples, table or JSON to a file", "take_home"),
        key("r", "resume_engine", "resume", "Start an engine for a run that has none",
            "resume_engine"),
    ),
    "The model": (
        key("s", "sample", "sample", "Draw ten names, or a text, from the model now", "sample"),
        key("S", "samples", "samples", "One seed step by step; kept, copied, written",
            "samples"),
        key("t", "ask('temperature')", "temperature", "Type the temperature of sampling",
            "temperature"),
        key("e", "evaluate", "evaluate", "Loss on dev and on part of train, now", "evaluate"),
        key("i", "inspect", "inspect", "Odds of the next symbol, surprise of a word", "inspect"),
        key("B", "overfit", "one batch", "Overfit one minibatch; again: all of train", "overfit"),
        key("g", "embedding_map", "embeddings", "Every symbol's place in the space learned, live",
            "embedding_map"),
        key("I", "inside", "inside", "Saturation, gradients, size of the updates, layer by layer",
            "inside"),
        key("D", "dataset", "dataset", "Every word, pair and length of the list; search it",
            "dataset"),
        key("T", "test_split", "test split", "Look at the test split, which is counted",
            "test_split"),
    ),
    "Loss chart": (
        key("z", "screen.zoom(True)", "zoom in", "Half as much, around the cursor or now",
            "zoom_in"),
        key("Z", "screen.zoom(False)", "zoom out", "Twice as much of the run", "zoom_out"),
        key("left_square_bracket", "screen.pan(-1)", "earlier", "Move what is in view", "pan_left"),
        key("right_square_bracket", "screen.pan(1)", "later", "Move what is in view",
            "pan_right"),
        key("left", "screen.cursor(-1)", "read back", "Cursor: what stood at a step",
            "cursor_left"),
        key("right", "screen.cursor(1)", "read on", "Cursor: what stood at a step",
            "cursor_right"),
        key("j", "screen.to_mark(-1)", "act before", "Cursor to the act before", "mark_before"),
        key("J", "screen.to_mark(1)", "next act", "Cursor to the next act", "mark_after"),
        key("F", "screen.follow", "follow", "Keep the newest steps in view, or hold still",
            "follow"),
        key("0", "screen.whole_run", "whole run", "All of the run again, nothing read out",
            "whole_run"),
        key("y", "screen.toggle_log", "log y", "Loss on a logarithmic axis, or not", "log_scale"),
        key("X", "screen.toggle_log_x", "log x", "Time on a logarithmic axis, or not", "log_time"),
        key("v", "screen.unit", "unit", "Count in steps, epochs or seconds", "unit"),
        key("Y", "screen.full_range", "full range", "Every spike, or where the curve happens",
            "full_range"),
        key("w", "screen.smoothing", "smoothing", "Smooth the loss more, less, not at all",
            "smoothing"),
    ),
    "The lecture": (
        key("L", "screen.lesson(1)", "next page", "Of the walk that `steermore learn` begins",
            "lesson_on"),
        key("H", "screen.lesson(-1)", "page before", "Of the walk through the lecture",
            "lesson_back"),
        key("5", "screen.page('lesson')", "to the page", "Go to the page, to scroll it",
            "page_lesson"),
    ),
    "Screen": (
        key("m", "screen.maximize_panel", "maximise", "One panel alone, or all again", "maximize"),
        key("C", "screen.toggle_cost", "own cost", "What the dashboard itself takes of a core",
            "own_cost"),
        key("tab", "app.focus_next", "next panel", "The arrows then scroll it, or move knobs",
            "next_panel"),
        key("1", "screen.page('samples')", "to samples", "Go to what was drawn", "page_samples"),
        key("2", "screen.page('events')", "to the log", "Go to the log", "page_events"),
        key("3", "screen.page('rate')", "to the knobs",
            "↑ ↓ choose, ← → move, shift finely, Enter types", "page_rate"),
        key("4", "screen.page('dataset')", "to dataset", "Go to the dataset's panel",
            "page_dataset"),
        key("ctrl+p", "command_palette", "palette", "Find any of these by name", "palette"),
        key("question_mark,f1", "help", "help", "What this panel or view is about; every key",
            "help"),
        key("ctrl+s", "screenshot", "screenshot", "A picture of the screen as a file (SVG)",
            "screenshot"),
        key("ctrl+z", "suspend_process", "to the shell", "Stop the dashboard; `fg` brings it back",
            "suspend"),
        key("q", "quit", "quit", "Leave: stop and save, or let it train on", "quit"),
        key("Q", "stop_and_save", "quit at once", "Stop, save, leave, without a question",
            "stop_and_save"),
    ),
}  # fmt: skip
"""By what they are about."""

KEYS = tuple(binding for group in GROUPS.values() for binding in group)

NEED_ENGINE = frozenset(
    {
        "toggle_training",
        "step",
        "nudge",
        "evaluate",
        "find_rate",
        "inspect",
        "overfit",
        "test_split",
        "embedding_map",
        "inside",
        "decay",
        "ask",
        "ask_schedule",
        "sample",
        "undo",
        "redo",
        "checkpoint",
        "snapshots",
        "fork",
    }
)
"""Actions that are impossible without an engine."""
