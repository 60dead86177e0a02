"""The items of TRIPOD+AI, in short words of our own: what each is about, and what of it no run can know.

Source: Collins, Moons, Dhiman and others, TRIPOD+AI statement: updated guidance for reporting clinical prediction
models that use regression or machine learning methods, BMJ 2024;385:e078378, doi 10.1136/bmj-2023-078378. The
published checklist is what counts; these words only tell which item is meant.
"""

from dataclasses import dataclass

SOURCE = "Collins et al., BMJ 2024;385:e078378, https://doi.org/10.1136/bmj-2023-078378"


@dataclass(frozen=True)
class Item:
    """An item of the checklist.

    Attributes:
        number: such as "12a".
        topic: what it is about.
        question: what only a person can answer; "" where a run can fill the item alone.
    """

    number: str
    topic: str
    question: str = ""


TITLE, INTRODUCTION, METHODS = "Title and abstract", "Introduction", "Methods"
OPEN_SCIENCE, INVOLVEMENT = "Open science", "Patients and public"
RESULTS, DISCUSSION = "Results", "Discussion"

ITEMS: dict[str, tuple[Item, ...]] = {
    TITLE: (
        Item("1", "Title", "Which population is the model meant for?"),
        Item("2", "Abstract", "Background, and what you conclude."),
    ),
    INTRODUCTION: (
        Item(
            "3a",
            "Health-care context and reason for the model",
            "Which decision is it for, why is a model needed, and which ones are there already?",
        ),
        Item(
            "3b",
            "Target population, purpose in the pathway of care, and users",
            "Where in the care of whom is it to be used, and by whom?",
        ),
        Item(
            "3c",
            "Known health inequalities",
            "Which differences in health or care between groups of people are known for this question?",
        ),
        Item("4", "Aims: development, evaluation or both", "Aims beyond that."),
    ),
    METHODS: (
        Item(
            "5a",
            "Sources of data and how representative they are",
            "Why these sources, and whom do they stand for?",
        ),
        Item("5b", "Dates of data", "From when to when were the ECGs recorded?"),
        Item("6a", "Setting and centres", "In which kind of care, in how many centres, in which places?"),
        Item("6b", "Who was eligible", "By which rules did people come into these archives?"),
        Item(
            "6c", "Treatments", "Which treatments did people get that change the ECG, and was that handled?"
        ),
        Item("7", "Preparation and quality of the data"),
        Item(
            "8a",
            "Outcome: definition, time, way of assessment",
            "Why these classes, and are they assessed alike in all groups of people?",
        ),
        Item(
            "8b",
            "Who assessed the outcome",
            "Who wrote or coded the statements on the ECGs: qualification, number, and who they are?",
        ),
        Item(
            "8c", "Blinding of the assessment", "What did the readers of the ECGs know when they read them?"
        ),
        Item("9a", "Choice of predictors"),
        Item("9b", "Definition and measurement of predictors", "Which recorders, by which staff?"),
        Item("9c", "Who assessed predictors"),
        Item("10", "Study size", "How was the size arrived at, and is it enough? Give a calculation."),
        Item("11", "Missing data"),
        Item("12a", "Use of data in development and evaluation"),
        Item("12b", "Form of the predictors in the analysis"),
        Item(
            "12c",
            "Kind of model, building, tuning, internal validation",
            "Why this kind of model, and which settings were tried before?",
        ),
        Item("12d", "Differences between clusters, such as hospitals"),
        Item("12e", "Measures of performance and why"),
        Item("12f", "Updating of the model"),
        Item("12g", "How predictions were computed in evaluation"),
        Item("13", "Class imbalance"),
        Item("14", "Fairness", "Which other groups matter here, and why these?"),
        Item("15", "Output of the model and thresholds"),
        Item(
            "16",
            "Differences between training and evaluation data",
            "Differences in setting, eligibility or outcome that the counts do not show.",
        ),
        Item(
            "17",
            "Ethical approval",
            "Which board approved the study, or waived it, and how was consent handled?",
        ),
    ),
    OPEN_SCIENCE: (
        Item("18a", "Funding", "Who paid, and what part did they have in the study?"),
        Item("18b", "Conflicts of interest", "Of every author."),
        Item("18c", "Protocol", "Where is it, or is there none?"),
        Item("18d", "Registration", "Which register and number, or was it not registered?"),
        Item("18e", "Availability of the data", "Who may have them, and where?"),
        Item("18f", "Availability of the code", "Address of your own repository."),
    ),
    INVOLVEMENT: (
        Item(
            "19",
            "Involvement of patients and the public",
            "In design, conduct, reporting or spreading of the study, or say that there was none.",
        ),
    ),
    RESULTS: (
        Item("20a", "Flow of participants"),
        Item(
            "20b",
            "Characteristics of participants",
            "Key dates, treatments, and what else describes these people.",
        ),
        Item("20c", "Evaluation data compared with development data"),
        Item("21", "Participants and events in each analysis"),
        Item("22", "The full model, so that others can predict", "Where the model folder is published."),
        Item("23a", "Performance, with intervals, also in groups"),
        Item("23b", "Differences in performance between clusters"),
        Item("24", "Results of updating"),
    ),
    DISCUSSION: (
        Item("25", "Interpretation", "What do the results mean, also for fairness, beside earlier studies?"),
        Item("26", "Limitations", "Limitations that no run can see."),
        Item("27a", "Poor or missing input when the model is used"),
        Item("27b", "What users must do and know", "Which training do its users need?"),
        Item("27c", "Next steps", "What is to be studied before it is used, and where would it hold?"),
    ),
}
"""The 27 items in their 52 parts, by the sections of the checklist."""
