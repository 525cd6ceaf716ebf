"""Text of elements that hold words, markup and formulas.

Markup of letters (b, i, u, sup, sub) is dropped and its words stay where they were: CO<sub>2</sub> is "CO2".
White space of every kind, no-break and thin spaces too, becomes single spaces.

A DispFormula stands on a line of its own in print, so a space sets it off on either side. White space between
the elements of MathML is layout and means nothing; the tokens of a formula are therefore joined without
spaces ("VO2max"), except that a space goes

- on either side of a sign of relation, so that "p < 0.05" reads as in running text,
- between the parts of a fraction, the two scripts of one base, limits, and cells of a table, and between two
  numbers or two words that would otherwise become one.
"""

MATHML = "{http://www.w3.org/1998/Math/MathML}"
LETTERING = frozenset(["b", "i", "u", "sup", "sub"])
RELATIONS = frozenset("=<>≤≥⩽⩾≠≈≃≅∼~≡≪≫≲≳∝∈→←")
# Elements whose children are parts on their own, by MathML 3, sections 3.3 to 3.5.
PARTED = frozenset(["mfrac", "msubsup", "munderover", "mtr", "mtable", "mlabeledtr", "semantics"])
TOKENS = frozenset(["mi", "mn", "mo", "mtext", "ms", "annotation"])


def text_of(element):
    """All words of an element in single spaces; "" where it has none.

    Parameters
    ----------
    element : lxml element
        Comments and processing instructions in it must have been left out by the parser.
    """
    if len(element):
        pieces = []
        _collect(element, pieces)
        text = "".join(pieces)
    else:
        text = element.text or ""
    # Most names and numbers are one word, and most sentences have their spaces in order: what can be printed
    # holds no white space but the plain space. To find this out is faster than to take a text apart.
    if text.isalnum() or (text.isprintable() and "  " not in text and text == text.strip()):
        return text
    return " ".join(text.split())


def _collect(element, pieces):
    pieces.append(element.text or "")
    for child in element:
        tag = child.tag
        if tag in LETTERING:
            _collect(child, pieces)
        elif tag.startswith(MATHML):
            pieces.append(_formula(child))
        elif tag == "DispFormula":
            pieces.append(" ")
            _collect(child, pieces)
            pieces.append(" ")
        else:
            _collect(child, pieces)
        pieces.append(child.tail or "")


def _formula(element):
    """An element of MathML as text, with spaces where the module says."""
    name = element.tag.removeprefix(MATHML)
    if name == "mspace":
        return " "
    if name in TOKENS or not len(element):
        text = "".join(element.itertext())
        if name == "mo" and text.strip() in RELATIONS:
            return f" {text.strip()} "
        return text if name == "mtext" else " ".join(text.split())
    parts = [part for part in map(_formula, element) if part]
    return " ".join(parts) if name in PARTED else _join(parts)


def _join(parts):
    joined = ""
    for part in parts:
        joined += f" {part}" if _would_fuse(joined, part) else part
    return joined


def _would_fuse(left, right):
    """Whether two tokens side by side would read as one number, or as one word."""
    if not left or not right:
        return False
    if left[-1].isdigit() and right[0].isdigit():
        return True
    # Single letters are set one by one in print: m, a, x is "max".
    return left[-2:].isalpha() and len(left) > 1 and len(right) > 1 and right[:2].isalpha()
