# Needs: the tables that people edit. Makes: the certainty that they can be used, before anything is built.


rule check_data:
    input:
        screening="data/decisions/screening.csv",
        studies="data/trials/studies.csv",
        reports="data/trials/reports.csv",
        outcomes="data/trials/outcomes.csv",
        pairs="data/decisions/pairs.csv",
        imports=IMPORTS,
    output:
        checked=f"results/{RUN}/checked.json",
    log:
        f"logs/{RUN}/check_data.log",
    benchmark:
        f"logs/{RUN}/measured/check_data.tsv"
    conda:
        "../environment.yml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        run=RUN,
        stages=config["screening"]["stages"],
        searches=lambda _: "data/searches",
        imported=IMPORTED,
        reasons=list(config["screening"]["reasons"]),
        outcomes=[*config["outcomes"], *config.get("other_outcomes", [])],
        # No result: what tells that rows have vanished since. It may be deleted at any time.
        kept=kept_rows.FOLDER,
        code=fingerprint(
            "check_data.py",
            schemas=[
                "screening",
                "studies",
                "reports",
                "outcomes",
                "pairs",
                "import_sources",
                "import_records",
            ],
        ),
    message:
        "Checking the tables that people edit"
    script:
        "../scripts/check_data.py"
