# Needs: the queue and the decisions. Makes: a queue for each of several independent reviewers, their conflicts
# and their agreement.


rule compare_reviewers:
    input:
        queue=f"results/{RUN}/queue.csv",
        records=f"results/{RUN}/records.csv",
        decisions="data/decisions/screening.csv",
        checked=f"results/{RUN}/checked.json",
    output:
        # Not removed before the step: somebody may begin to fill them in while the run goes on.
        queues=[update(f"results/{RUN}/queues/{file}") for file in OWN_QUEUES.values()],
        conflicts=update(f"results/{RUN}/conflicts.csv"),
        agreement=f"results/{RUN}/agreement.json",
    log:
        f"logs/{RUN}/compare_reviewers.log",
    benchmark:
        f"logs/{RUN}/measured/compare_reviewers.tsv"
    conda:
        "../environment.yml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        run=RUN,
        stages=config["screening"]["stages"],
        own=OWN_QUEUES,
        code=fingerprint(
            "compare_reviewers.py",
            schemas=["screening", "queue", "conflicts"],
        ),
    message:
        "Comparing what independent reviewers decided"
    script:
        "../scripts/compare_reviewers.py"
