# Needs: records and decisions. Makes: the queue of records that people still have to decide.


rule rank_records:
    input:
        records=f"results/{RUN}/records.csv",
        decisions="data/decisions/screening.csv",
        checked=f"results/{RUN}/checked.json",
    output:
        queue=f"results/{RUN}/queue.csv",
        ranking=f"results/{RUN}/ranking.json",
    log:
        f"logs/{RUN}/rank_records.log",
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
        question=config["review"]["question"],
        eligibility=config["eligibility"],
        code=fingerprint("rank_records.py", schemas=["screening", "queue"]),
    message:
        "Ranking the records that wait for a decision"
    script:
        "../scripts/rank_records.py"
