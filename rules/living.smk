# Needs: this run's results and the releases. Makes: the flow of records, the status, and what changed.


rule count_flow:
    input:
        records=f"results/{RUN}/records.csv",
        events=f"results/{RUN}/record_events.csv",
        imports=f"results/{RUN}/imports.json",
        decisions="data/decisions/screening.csv",
        queue=f"results/{RUN}/queue.csv",
        included=f"results/{RUN}/included.csv",
        effects=f"results/{RUN}/effects.csv",
        extraction=f"results/{RUN}/extraction.csv",
        provenance=f"data/searches/{RUN}/pubmed/provenance.json",
        releases=RELEASES,
    output:
        flow=f"results/{RUN}/flow.json",
        status=f"results/{RUN}/status.json",
    log:
        f"logs/{RUN}/count_flow.log",
    conda:
        "../environment.yml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=30,
    params:
        run=RUN,
        stages=config["screening"]["stages"],
        reasons=list(config["screening"]["reasons"]),
        living=config["living"],
        code=fingerprint("count_flow.py", schemas=["screening"]),
    message:
        "Counting the flow of records and studies"
    script:
        "../scripts/count_flow.py"


rule compare_release:
    input:
        estimates=f"results/{RUN}/estimates.csv",
        effects=f"results/{RUN}/effects.csv",
        releases=RELEASES,
    output:
        changes=f"results/{RUN}/changes.json",
    log:
        f"logs/{RUN}/compare_release.log",
    conda:
        "../environment.yml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=30,
    params:
        run=RUN,
        code=fingerprint("compare_release.py"),
    message:
        "Comparing with the last release"
    script:
        "../scripts/compare_release.py"
