"""Write metapsy_example.csv, the export of the invented trials of the tests, for make_exchange.R.

Run in the repository: PYTHONPATH=scripts:tests/trials python tests/reference/exchange/export_example.py
"""

from pathlib import Path

from test_exchange_trials import computed, invented, reread

from livingreview.trials.exchange import metapsy

given = invented()
rows = metapsy.rows(
    computed(given.studies, given.outcomes),
    reread(given.outcomes, "outcomes"),
    reread(given.studies, "studies"),
)
Path(__file__).with_name("metapsy_example.csv").write_bytes(metapsy.to_bytes(rows))
