# Needs: records and decisions. Makes: the test of the ranker on the review's past, and the queue of records that
# people still have to decide.


rule backtest_ranking:
    input:
        records=f"results/{RUN}/records.csv",
        decisions="data/decisions/screening.csv",
        checked=f"results/{RUN}/checked.json",
    output:
        about=f"results/{RUN}/backtest.json",
        months=f"results/{RUN}/backtest.csv",
        predictions=f"results/{RUN}/predictions.csv",
    log:
        f"logs/{RUN}/backtest_ranking.log",
    benchmark:
        f"logs/{RUN}/measured/backtest_ranking.tsv"
    # On the longest way to the report: before what only has to be there in the end.
    priority: 1
    conda:
        "../environment.yml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=120,
    params:
        run=RUN,
        stages=config["screening"]["stages"],
        ranking=config["screening"]["ranking"],
        question=config["review"]["question"],
        eligibility=config["eligibility"],
        # No result: what saves training a model again. It may be deleted at any time.
        known=".cache/backtest",
        code=fingerprint("backtest_ranking.py", PRIOR, schemas=["screening"]),
    message:
        "Testing the ranker on the review's own past"
    script:
        "../scripts/backtest_ranking.py"


rule rank_records:
    input:
        records=f"results/{RUN}/records.csv",
        decisions="data/decisions/screening.csv",
        backtest=f"results/{RUN}/backtest.json",
        predictions=f"results/{RUN}/predictions.csv",
        checked=f"results/{RUN}/checked.json",
    output:
        # Not removed before the step: somebody may begin to fill it in while the run goes on.
        queue=update(f"results/{RUN}/queue.csv"),
        ranking=f"results/{RUN}/ranking.json",
        suspicious=f"results/{RUN}/suspicious.csv",
    log:
        f"logs/{RUN}/rank_records.log",
    benchmark:
        f"logs/{RUN}/measured/rank_records.tsv"
    # On the longest way to the report: before what only has to be there in the end.
    priority: 1
    conda:
        "../environment.yml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        run=RUN,
        stages=config["screening"]["stages"],
        ranking=config["screening"]["ranking"],
        independent=config["screening"].get("reviewers", {}).get("independent", 1),
        interests=config["screening"].get("interests"),
        question=config["review"]["question"],
        eligibility=config["eligibility"],
        version=VERSION,
        code=fingerprint("rank_records.py", PRIOR, schemas=["screening", "queue"]),
    message:
        "Ranking the records that wait for a decision"
    script:
        "../scripts/rank_records.py"


rule watch_drift:
    input:
        records=f"results/{RUN}/records.csv",
        decisions="data/decisions/screening.csv",
        months=f"results/{RUN}/backtest.csv",
        predictions=f"results/{RUN}/predictions.csv",
        queue=f"results/{RUN}/queue.csv",
    output:
        drift=f"results/{RUN}/drift.json",
    log:
        f"logs/{RUN}/watch_drift.log",
    benchmark:
        f"logs/{RUN}/measured/watch_drift.tsv"
    conda:
        "../environment.yml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        run=RUN,
        stages=config["screening"]["stages"],
        learn_from=config["screening"]["ranking"]["learn_from"],
        code=fingerprint("watch_drift.py", schemas=["screening", "queue"]),
    message:
        "Watching whether new records are like the old ones"
    script:
        "../scripts/watch_drift.py"
