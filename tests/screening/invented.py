"""Records of made-up reviews, for the tests of the ranker."""

import numpy as np

WANTED = "internet online treatment pain trial randomised participants programme".split()
OTHER = "surgery imaging tumour cohort animals laboratory guideline editorial".split()
COMMON = "patients study outcomes weeks clinic group example results care health".split()


def review(n=60, *, every=3, seed=1, headings=False):
    """Records, of which every third is included and mostly says other words than the rest.

    Returns
    -------
    records : list of dict
    included : ndarray of int
    years : ndarray of int
        Ascending, ten records each.
    """
    rng = np.random.default_rng(seed)
    records, included = [], []
    for number in range(n):
        label = number % every == 0
        # One in seven reads like the other kind, so that nothing is separated fully.
        words = WANTED if label != (rng.random() < 1 / 7) else OTHER
        title = " ".join([*rng.choice(words, 3), *rng.choice(COMMON, 2)])
        abstract = " ".join([*rng.choice(words, 6), *rng.choice(COMMON, 12)])
        one = {
            "record_id": str(1000 + number),
            "title": title,
            "abstract": None if number % 9 == 4 else abstract,
        }
        if headings:
            one |= {
                "mesh_terms": "Humans; Internet / methods*" if label else "Humans; Neoplasms",
                "keywords": "e-health; pain" if label else "oncology",
                "publication_types": "Journal Article" + ("; Randomized Controlled Trial" if label else ""),
                "medline_status": "MEDLINE",
                "indexing_method": None if number % 2 else "Automated",
            }
        records.append(one)
        included.append(int(label))
    return records, np.array(included), 2000 + np.arange(n) // 10
