# Needs: the query. Makes: the snapshot of this run, once; and all records of all snapshots up to it.

# The rule exists only while its snapshot does not: what PubMed answered is never asked for again.
if RUN not in TAKEN:

    rule search_pubmed:
        output:
            provenance=f"data/searches/{RUN}/provenance.json",
        log:
            f"logs/{RUN}/search_pubmed.log",
        conda:
            "../environment.yml"
        threads: 1
        resources:
            mem_mb=1000,
            runtime=60,
        params:
            run=RUN,
            base_url=config["search"]["base_url"],
            sandbox_corpus=config["search"].get("sandbox_corpus"),
            query=config["search"]["query"],
            tool=config["search"]["tool"],
            email=config["search"]["email"],
            tolerance=config["search"]["drop_tolerance_percent"],
        message:
            "Searching PubMed for run {params.run}"
        script:
            "../scripts/search_pubmed.py"


rule fold_corpus:
    input:
        snapshots=SNAPSHOTS,
        other_sources="data/other_sources.csv",
        checked=f"results/{RUN}/checked.json",
    output:
        records=f"results/{RUN}/records.csv",
    log:
        f"logs/{RUN}/fold_corpus.log",
    conda:
        "../environment.yml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        run=RUN,
        code=fingerprint("fold_corpus.py", schemas=["other_sources"]),
    message:
        "Folding all snapshots into one table of records"
    script:
        "../scripts/fold_corpus.py"
