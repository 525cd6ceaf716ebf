# Needs: the query, and what people exported from other databases. Makes: the snapshot of this run, once; and all
# records of all searches up to it.

# The rule exists only while its snapshot does not: what PubMed answered is never asked for again.
if RUN not in TAKEN:

    # On the machine that Snakemake was started on: one place asks NCBI, at one rate, and compute nodes often have
    # no network.
    rule search_pubmed:
        input:
            bulk=["results/bulk/bulk.json"] if config["search"]["base_url"] == "bulk" else [],
        output:
            provenance=f"data/searches/{RUN}/pubmed/provenance.json",
        log:
            f"logs/{RUN}/search_pubmed.log",
        benchmark:
            f"logs/{RUN}/measured/search_pubmed.tsv"
        localrule: True
        conda:
            "../environment.yml"
        threads: 1
        resources:
            mem_mb=1000,
            runtime=240,
        params:
            run=RUN,
            search=config["search"],
        message:
            "Searching PubMed for run {params.run}"
        script:
            "../scripts/search_pubmed.py"


# The same for records that the protocol keeps on the machine that fetched them, where this is another one.
if TO_REFETCH:

    rule refetch_records:
        input:
            snapshot="data/searches/{earlier}/pubmed/provenance.json",
            bulk=["results/bulk/bulk.json"] if config["search"]["base_url"] == "bulk" else [],
        output:
            provenance="data/searches/{earlier}/refetched/provenance.json",
        log:
            "logs/{earlier}/refetch_records.log",
        benchmark:
            "logs/{earlier}/measured/refetch_records.tsv"
        wildcard_constraints:
            earlier="|".join(TO_REFETCH),
        localrule: True
        conda:
            "../environment.yml"
        threads: 1
        resources:
            mem_mb=1000,
            runtime=240,
        params:
            run=RUN,
            search=config["search"],
        message:
            "Fetching the records of {wildcards.earlier} again, which are kept on another machine"
        script:
            "../scripts/refetch_records.py"


rule fold_corpus:
    input:
        snapshots=SNAPSHOTS,
        refetched=list(REFETCHED.values()),
        imports=IMPORTS,
        pairs="data/decisions/pairs.csv",
        decisions="data/decisions/screening.csv",
        checked=f"results/{RUN}/checked.json",
    output:
        records=f"results/{RUN}/records.csv",
        events=f"results/{RUN}/record_events.csv",
        imports=f"results/{RUN}/imports.json",
    log:
        f"logs/{RUN}/fold_corpus.log",
    benchmark:
        f"logs/{RUN}/measured/fold_corpus.tsv"
    conda:
        "../environment.yml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        run=RUN,
        searches=lambda _: "data/searches",
        imported=IMPORTED,
        code=fingerprint(
            "fold_corpus.py",
            schemas=["import_sources", "import_records", "pairs", "screening"],
        ),
    message:
        "Folding all searches into one table of records"
    script:
        "../scripts/fold_corpus.py"


rule group_companions:
    input:
        records=f"results/{RUN}/records.csv",
        pairs="data/decisions/pairs.csv",
        reports="data/trials/reports.csv",
        decisions="data/decisions/screening.csv",
    output:
        companions=f"results/{RUN}/companions.csv",
        # Not removed before the step: somebody may begin to fill it in while the run goes on.
        pairs=update(f"results/{RUN}/pairs.csv"),
    log:
        f"logs/{RUN}/group_companions.log",
    benchmark:
        f"logs/{RUN}/measured/group_companions.tsv"
    conda:
        "../environment.yml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        run=RUN,
        stages=config["screening"]["stages"],
        code=fingerprint("group_companions.py", schemas=["pairs", "pair_queue", "reports", "screening"]),
    message:
        "Grouping the reports of one trial, and listing uncertain pairs"
    script:
        "../scripts/group_companions.py"
