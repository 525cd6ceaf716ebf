"""Tools for judging risk of bias, as data: domains, signalling questions and the rules between them.

A tool is a YAML file. Its conditions name questions with the answers for which they hold ("Y/PY"); within
one mapping all must hold, under ``any`` one. A question that is not asked counts as answered NA. Of each part
of a domain exactly one rule holds for every complete set of answers; the domain gets the worst of its parts.
"""

from dataclasses import dataclass
from pathlib import Path

import yaml

from livingreview.errors import InputError, problem

# Tools that come with the workflow; a review adds its own in its data/trials/tools/.
SHIPPED = Path(__file__).resolve().parents[3] / "data/trials/tools"

NOT_ASKED = "NA"
# What a question can be after some answers: asked, not asked, or open while one before it is not answered.
IS_ASKED, IS_NOT_ASKED, IS_OPEN = "asked", "not asked", "open"
OVERALL = "overall"
KEYS = {
    "name",
    "label",
    "source",
    "judgements",
    "overall",
    "overall_note",
    "key_domains",
    "extends",
    "domains",
}
DOMAIN_KEYS = {"name", "label", "questions", "parts"}


@dataclass(frozen=True)
class Question:
    """A signalling question.

    Attributes
    ----------
    id, text : str
    answers : tuple of str
        Those allowed while it is asked.
    asked_if : dict
        A condition over earlier questions; empty if it is always asked.
    """

    id: str
    text: str
    answers: tuple
    asked_if: dict


@dataclass(frozen=True)
class Domain:
    """A domain of a tool.

    Attributes
    ----------
    name, label : str
    questions : tuple of Question
        Empty where a person judges the domain directly.
    parts : tuple of tuple of (dict, str)
        Rules: condition and judgement.
    """

    name: str
    label: str
    questions: tuple = ()
    parts: tuple = ()


@dataclass(frozen=True)
class Tool:
    """A tool for judging risk of bias.

    Attributes
    ----------
    name, label, source : str
    judgements : tuple of str
        From the best to the worst.
    domains : tuple of Domain
    key_domains : tuple of str
        The domains of which the worst is the overall judgement.
    """

    name: str
    label: str
    source: str
    judgements: tuple
    domains: tuple
    key_domains: tuple

    def domain(self, name):
        """The domain of that name, or None."""
        return next((one for one in self.domains if one.name == name), None)

    def worst(self, judgements):
        """The worst of some judgements."""
        return max(judgements, key=self.judgements.index)


@dataclass(frozen=True)
class Answered:
    """What answers lead to in one domain.

    Attributes
    ----------
    judgement : str or None
        None while an answer is missing or wrong.
    missing : tuple of str
        Questions that are asked and not answered.
    faults : tuple of dict
        Arguments of `errors.problem`: unknown questions, answers not allowed, answers to what is not asked.
    """

    judgement: str | None
    missing: tuple = ()
    faults: tuple = ()


def load(folders):
    """Read all tools in some folders; a later folder's tool takes the place of an earlier one of its name.

    Parameters
    ----------
    folders : list of path
        Folders of ``*.yaml`` files; one that does not exist holds none.

    Returns
    -------
    dict of str to Tool

    Raises
    ------
    InputError
        A file that is no YAML, or whose keys, questions, judgements or conditions do not fit together.
    """
    raw = {}
    for path in (path for folder in folders for path in sorted(Path(folder).glob("*.yaml"))):
        content = _yaml(path)
        raw[content["name"]] = (path, content)
    return {name: _tool(path, _extended(path, content, raw)) for name, (path, content) in raw.items()}


def _yaml(path):
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(path, problem=f"this is not YAML: {error}") from None
    if not isinstance(content, dict) or not isinstance(content.get("name"), str):
        raise InputError(path, problem="a tool has a name", hint="compare with rob2.yaml")
    unknown = sorted(set(content) - KEYS)
    if unknown:
        raise InputError(
            path, problem="unknown key", found=", ".join(unknown), allowed=", ".join(sorted(KEYS))
        )
    return content


def _extended(path, content, raw):
    """A tool's own keys over those of the tool that it extends, its domains in the places of theirs."""
    base = content.get("extends")
    if base is None:
        return content
    if base not in raw:
        raise InputError(path, column="extends", found=base, allowed=", ".join(sorted(raw)))
    below = _extended(*raw[base], raw)
    own = {domain["name"]: domain for domain in content.get("domains", [])}
    domains = [own.pop(domain["name"], domain) for domain in below["domains"]]
    return below | content | {"domains": [*domains, *own.values()]}


def _tool(path, content):
    domains = tuple(_domain(path, one) for one in content.get("domains", []))
    names = [one.name for one in domains]
    tool = Tool(
        name=content["name"],
        label=content.get("label", content["name"]),
        source=content.get("source", ""),
        judgements=tuple(content.get("judgements", ())),
        domains=domains,
        key_domains=tuple(content.get("key_domains", names)),
    )
    problems = [problem(column="key_domains", found=one, allowed=", ".join(names))
                for one in tool.key_domains if one not in names]  # fmt: skip
    if content.get("overall") != "worst":
        problems.append(problem(column=OVERALL, found=content.get("overall"), allowed="worst"))
    if len(set(names)) < len(names) or OVERALL in names or not names:
        problems.append(
            problem("domains need names, each once", found=", ".join(names), hint="not 'overall'")
        )
    for domain in domains:
        problems += _domain_problems(domain, tool)
    if problems:
        raise InputError(path, problems=problems)
    return tool


def _domain(path, content):
    unknown = sorted(set(content) - DOMAIN_KEYS)
    if unknown or "name" not in content:
        raise InputError(
            path, problem="keys of a domain", found=", ".join(content), allowed=", ".join(sorted(DOMAIN_KEYS))
        )
    questions = tuple(
        Question(str(one["id"]), one["text"], tuple(one["answers"].split("/")), one.get("asked_if", {}))
        for one in content.get("questions", [])
    )
    parts = tuple(tuple((r["when"], r["judgement"]) for r in part) for part in content.get("parts", []))
    return Domain(content["name"], content.get("label", content["name"]), questions, parts)


def _domain_problems(domain, tool):
    ids = [question.id for question in domain.questions]
    found = []
    for position, question in enumerate(domain.questions):
        late = named(question.asked_if) - set(ids[:position])
        if late:
            found.append(
                problem(
                    "asked after a question that does not come before", row=question.id, found=sorted(late)
                )
            )
    for part in domain.parts:
        for condition, judgement in part:
            if judgement not in tool.judgements:
                found.append(problem(row=domain.name, found=judgement, allowed=", ".join(tool.judgements)))
            if named(condition) - set(ids):
                found.append(
                    problem("no such question", row=domain.name, found=sorted(named(condition) - set(ids)))
                )
    if bool(domain.questions) != bool(domain.parts):
        found.append(problem("questions and rules come together", row=domain.name))
    return found


def named(condition):
    """The questions that a condition names."""
    inner = [named(one) for one in condition.get("any", [])]
    return {key for key in condition if key != "any"}.union(*inner)


def holds(condition, answers):
    """Whether a condition holds; `answers` maps question to answer, what is not there counts as NA."""
    return all(
        any(holds(one, answers) for one in allowed)
        if key == "any"
        else answers.get(key, NOT_ASKED) in allowed.split("/")
        for key, allowed in condition.items()
    )


def judge(tool, domain, answers):
    """What the answers to a domain's signalling questions lead to.

    Parameters
    ----------
    tool : Tool
    domain : Domain
        One of the tool's, with questions.
    answers : dict of str to str
        Question to answer. NA may be written for a question that is not asked.

    Returns
    -------
    Answered

    Raises
    ------
    ValueError
        Not exactly one rule of a part holds: the tool's file has a gap or an overlap.
    """
    known = [question.id for question in domain.questions]
    faults = [
        {"column": "question", "found": key, "allowed": ", ".join(known)}
        for key in answers
        if key not in known
    ]
    seen, missing, open_ = {}, [], set()
    for question in domain.questions:
        given = answers.get(question.id)
        if given not in (None, NOT_ASKED, *question.answers):
            faults.append(_unknown(question, given))
            open_.add(question.id)
        elif named(question.asked_if) & open_:
            # Whether it is asked is not known yet: an answer to it is neither wanted nor unreachable.
            open_.add(question.id)
        elif not holds(question.asked_if, seen):
            faults += [] if given in (None, NOT_ASKED) else [_not_asked(question, given)]
        elif given is None:
            missing.append(question.id)
            open_.add(question.id)
        elif given not in question.answers:
            faults.append(_unknown(question, given))
            open_.add(question.id)
        else:
            seen[question.id] = given
    if faults or missing:
        return Answered(None, tuple(missing), tuple(faults))
    return Answered(tool.worst(_by_rules(domain, seen)))


def states(domain, answers):
    """Which questions of a domain are asked after some answers, as `judge` takes them.

    Parameters
    ----------
    domain : Domain
    answers : dict of str to str

    Returns
    -------
    dict of str to str
        Question to `IS_ASKED`, `IS_NOT_ASKED` or `IS_OPEN`.
    """
    seen, found = {}, {}
    for question in domain.questions:
        unsettled = {key for key, state in found.items() if state != IS_NOT_ASKED and key not in seen}
        if named(question.asked_if) & unsettled:
            found[question.id] = IS_OPEN
        elif not holds(question.asked_if, seen):
            found[question.id] = IS_NOT_ASKED
        else:
            found[question.id] = IS_ASKED
            if answers.get(question.id) in question.answers:
                seen[question.id] = answers[question.id]
    return found


def _unknown(question, given):
    return {"text": f"answer to question {question.id}", "column": "answer", "found": given,
            "allowed": ", ".join(question.answers)}  # fmt: skip


def _not_asked(question, given):
    return {
        "text": f"question {question.id} is not asked after the answers before it",
        "column": "answer",
        "found": given,
        "allowed": "NA, or no row",
        "hint": f"it is asked if {in_words(question.asked_if)}",
    }


def in_words(condition):
    """A condition as a reader of a message understands it."""
    parts = [
        " or ".join(in_words(one) for one in allowed) if key == "any" else f"{key} is {allowed}"
        for key, allowed in condition.items()
    ]
    return " and ".join(parts)


def _by_rules(domain, answers):
    found = []
    for part in domain.parts:
        fitting = [judgement for condition, judgement in part if holds(condition, answers)]
        if len(fitting) != 1:
            raise ValueError(
                f"domain {domain.name}: {len(fitting)} rules hold for {answers}; exactly one must"
            )
        found.append(fitting[0])
    return found


def combinations(domain):
    """Every complete set of answers that a domain allows, as dicts without the questions not asked."""

    def grow(answers, questions):
        if not questions:
            yield answers
            return
        first, rest = questions[0], questions[1:]
        if not holds(first.asked_if, answers):
            yield from grow(answers, rest)
            return
        for answer in first.answers:
            yield from grow(answers | {first.id: answer}, rest)

    yield from grow({}, domain.questions)
