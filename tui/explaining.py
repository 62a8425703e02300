"""What each panel and view is about, in three sentences, and where the idea comes from.

One table, so that the texts can be read in one go; help shows them.
"""

from __future__ import annotations

from dataclasses import dataclass

PAPER, LECTURE = "Bengio et al. 2003", "makemore part 2"


@dataclass(frozen=True)
class Explanation:
    """A panel or view."""

    title: str
    text: str
    """Three sentences."""
    sources: tuple[str, ...]
    """A section of the paper, a time in the lecture, or another paper."""


def _paper(*sections: int) -> str:
    return f"{PAPER}, {', '.join(f'§{section}' for section in sections)}"


def _lecture(time: str) -> str:
    return f"{LECTURE}, {time}"


BIGRAM = "makemore part 1 (bigrams)"
PART_3 = "makemore part 3 (activations, gradients)"
RANGE_TEST = "Smith 2015"
COSINE = "Loshchilov & Hutter 2017"
ADAMW = "Loshchilov & Hutter 2019"
TOP_K = "Fan et al. 2018"
TPE, OPTUNA, PED_ANOVA = "Bergstra et al. 2011", "Akiba et al. 2019", "Watanabe et al. 2023"
OWN = "neither paper nor lecture: a matter of this program"


def cited(sources: tuple[str, ...]) -> str:
    """Them all in a line, places in one work together: `makemore part 2, 0:41, 0:53`."""
    works: dict[str, list[str]] = {}
    for source in sources:
        work, comma, place = source.partition(", ")
        works.setdefault(work, []).extend([place] if comma else [])
    return " · ".join(", ".join([work, *places]) for work, places in works.items())


PANELS: dict[str, Explanation] = {
    "lesson": Explanation(
        "The lecture",
        "This is a walk through the lecture, a page for each of its ideas, with one thing to do."
        " It notices when that is done, whatever else you try. The page goes along when another run"
        " is begun.",
        (_lecture("0:37"), _lecture("1:13")),
    ),
    "loss": Explanation(
        "Loss chart",
        "The loss is how surprised the model is by the next symbol, in nats, on average; lower is"
        " better; of words, e to it is the perplexity. The jittering band is one minibatch after"
        " the other, the line is their average, ● is dev and ○ is train. The dotted lines say what"
        " a loss is worth: guessing blindly, counting pairs, and the best so far.",
        (_lecture("0:41"), _lecture("0:53"), BIGRAM),
    ),
    "dataset": Explanation(
        "Dataset",
        "A list is dealt, or a text cut, into three: train is learned from, dev is steered by, and"
        " test is for the end. Each example is a context of a few symbols, characters or words, and"
        " the one that follows. Where dev words also stand in train, or many are <unk>, a low dev"
        " loss says less.",
        (_paper(4), _lecture("0:53")),
    ),
    "rate": Explanation(
        "Learning rate",
        "Every update moves the weights against the gradient, and the effective rate says how far."
        " It is the base, which your keys change, times the factor, which the schedule gives. Too"
        " low learns slowly, too high throws the loss about, and a lower one late smooths the"
        " end.",
        (_lecture("0:51"), _lecture("0:52"), COSINE),
    ),
    "dials": Explanation(
        "Knobs and settings",
        "A knob is part of the training: each change of one is recorded with its step, and undo"
        " takes it back, weights too. A setting only says how the run is watched and sampled. The"
        " arrows move what is chosen, Enter types it, and nothing is shown before the engine has"
        " done it.",
        (_lecture("0:41"), _lecture("0:51"), ADAMW),
    ),
    "samples": Explanation(
        "Samples",
        "A name is drawn symbol by symbol from the odds that the model gives, until it draws the"
        " end; a text goes on to its length. The number beside it is its loss per symbol, or word:"
        " how unlikely the model itself finds it. Names that stand in the list are marked with"
        " their split, for they may have been learned by heart.",
        (_lecture("1:13"),),
    ),
    "events": Explanation(
        "Log",
        "Here stands what happened to the run, the newest on top, each with its step. What you or"
        " others changed is told with the old value and the new one; an undo is told as well."
        " The same lines are on disk, and `steermore replay` trains the run again from them.",
        (OWN,),
    ),
    "status": Explanation(
        "Status line",
        "It says whose list is learned by which model, and whether it trains. The sizes are the"
        " symbols of context times the embedding of each, the hidden neurons, and the symbols of"
        " the vocabulary. An epoch is as many examples as train has, and eta is the time left to"
        " the step limit.",
        (_paper(2),),
    ),
    "strip": Explanation(
        "Rate strip",
        "It is the panel of the learning rate in one line, for a small terminal. Base times factor"
        " is the effective rate, and the curve is what the schedule will do. The keys that change"
        " it are the same.",
        (_lecture("0:51"), _lecture("0:52")),
    ),
}
"""By the id of the panel."""

VIEWS: dict[str, Explanation] = {
    "Finder": Explanation(
        "Learning-rate finder",
        "A thousand rates from low to high are tried, one minibatch each, on a copy of the model;"
        " the run itself is not touched. Where the loss falls the rate works, and where it"
        " explodes the rate is too high. The suggestion is half of the rate at the lowest point,"
        " and the cursor takes any other.",
        (_lecture("0:45"), RANGE_TEST),
    ),
    "Inspector": Explanation(
        "Inspector",
        "Type a beginning, and see the odds that the model gives to the next symbol, beside those"
        " from counting pairs. Walk through a word, or a text where symbols are words, and see"
        " what surprises the model. The names or sentences of dev are ordered by surprise, so that"
        " the worst show what it has not learned.",
        (_paper(2), BIGRAM),
    ),
    "Embedding": Explanation(
        "Embedding map",
        "Every symbol is a point, looked up in a table that is learned along with all else. Symbols"
        " that are used alike come to stand together, as the vowels do. With more than two"
        " dimensions the map shows the plane in which the points spread the most; of words, the"
        " frequent ones, for seldom ones have hardly been moved.",
        (_paper(2), _lecture("1:05"), _lecture("1:07")),
    ),
    "Inside": Explanation(
        "Inside the model",
        "A tanh output near 1 or −1 is saturated: hardly any gradient passes it. The size of"
        " an update against the weights says whether a layer learns too fast or hardly at all; a"
        " thousandth is a rough guide. The figures are those of the update that is next, which is"
        " only tried on a copy.",
        (PART_3,),
    ),
    "DatasetView": Explanation(
        "Dataset at length",
        "Here are the lengths, symbols, splits, pairs and words of the list. The pairs are the"
        " bigram model: how often one symbol follows another on train. The better model has to"
        " beat its loss, which is a dotted line on the chart.",
        (BIGRAM, _paper(4), _lecture("0:53")),
    ),
    "TextView": Explanation(
        "Dataset at length",
        "Here are the sentences of the text, its words by how often they stand in it, its parts,"
        " and every word in its contexts. Few words make up most of it, and most are so rare that"
        " they become <unk>, or are learned from a few places only. The longer a sequence in dev"
        " is, the less often train has it, which is why counting alone fails.",
        (_paper(4),),
    ),
    "Samples": Explanation(
        "Samples at large",
        "One seed is drawn at many steps, so that you see the same names, or text, take shape. The"
        " temperature flattens the odds above 1 and sharpens them below; top-k leaves only the"
        " most likely symbols. Favourites are kept, copied and written to a file.",
        (_lecture("1:13"), TOP_K),
    ),
    "AskSchedule": Explanation(
        "Schedule",
        "A schedule multiplies the base rate by a factor that depends on the step alone. It begins"
        " now: the base becomes the rate in force, and the curve shows what is coming. Steps are"
        " the lecture's decay, and cosine falls gently at both ends.",
        (_lecture("0:52"), COSINE),
    ),
    "Snapshots": Explanation(
        "Snapshots",
        "These are states that are saved: weights, optimizer, knobs and step. Going back to one"
        " makes the run what it was there, and undo leads forward again. A step between two is"
        " computed again from the one before it, to the same bits.",
        (OWN,),
    ),
    "Runs": Explanation(
        "Runs",
        "Each run is a directory with its record, and the list says in what it differs from this"
        " one. Mark some, and see their curves in one chart and their settings side by side, which"
        " is how two of them are compared. Opening one leaves this one as it is.",
        (_paper(4), _lecture("1:00")),
    ),
    "Restart": Explanation(
        "Restart",
        "Sizes, seed and level are built into the weights, so a change needs a new run. The old"
        " one is saved, and its curve stands behind the new one. A larger hidden layer or embedding"
        " can hold more, and takes longer.",
        (_paper(2, 4), _lecture("1:00"), _lecture("1:07")),
    ),
    "LookAtTest": Explanation(
        "Test split",
        "Whoever steers by a loss fits the run to it, so dev too is used up in the end. The test"
        " split is kept for the end, and tells once what the model is worth on new words. Every"
        " look is counted and stays in the record.",
        (_paper(4), _lecture("0:53"), _lecture("1:11")),
    ),
    "AfterTrip": Explanation(
        "After a trip",
        "The guard stops a run whose loss is no number any more, or far above its best. It has"
        " gone back to where the weights were sound. Most often the rate was too high, so a tenth"
        " of it is the first answer.",
        (OWN,),
    ),
    "AskValue": Explanation(
        "A value",
        "Type any value in the range that is named; ↑ ↓ go by rungs. Enter sends it, and the log"
        " says at which step it took effect. Undo takes a knob back, weights too.",
        (_lecture("0:51"),),
    ),
    "AskChoice": Explanation(
        "A choice",
        "Choose one of the values that there are; the panel of knobs says what each means. Enter"
        " sends it, and the log says at which step it took effect. Undo takes a knob back, weights"
        " too.",
        (OWN,),
    ),
    "AskName": Explanation(
        "Checkpoint",
        "A checkpoint is the whole state on disk: weights, optimizer, knobs and step. Give it a"
        " name by which you will know it. The list of snapshots leads back to it.",
        (OWN,),
    ),
    "TakeHome": Explanation(
        "Export",
        "What was drawn goes to a text file, losses and rates to a table, and all of it to JSON."
        " Nothing that exists is overwritten. The run goes on meanwhile.",
        (OWN,),
    ),
    "WriteNames": Explanation(
        "Write to a file",
        "What is shown goes to a file, names one a line, texts with their paragraphs. Nothing that"
        " exists is overwritten. The same comes again from the same seed and step.",
        (OWN,),
    ),
    "AskRunName": Explanation(
        "Rename",
        "The name of a run is that of its directory. Its forks find it all the same. A run that an"
        " engine serves keeps its name until that is stopped.",
        (OWN,),
    ),
    "Delete": Explanation(
        "Delete",
        "The record goes, and with it the weights, the checkpoints and the way back to any step."
        " A fork of it stands on its own and stays. What is deleted cannot be brought back.",
        (OWN,),
    ),
    "Sweep": Explanation(
        "Sweep",
        "Each trial is a run with values from the ranges, chosen by what came of those before it,"
        " and ended early if it is worse than the median. Each line is a trial, and where those of"
        " good ones run together that setting matters. The bars say in which settings the best"
        " quarter agree.",
        (TPE, OPTUNA, PED_ANOVA),
    ),
    "LeaveSweep": Explanation(
        "Leave the sweep",
        "The workers belong to this screen and end with it. The run of each trial under way is"
        " saved as it is, and its values come first when the sweep goes on. What is finished stays"
        " in the study.",
        (OWN,),
    ),
    "Quit": Explanation(
        "Quit",
        "The run is trained by a process of its own, which can go on without this screen. Saved"
        " and ended, it can be resumed at any time. `steermore attach` shows it again, whole.",
        (OWN,),
    ),
}
"""By the name of the class of the view."""
