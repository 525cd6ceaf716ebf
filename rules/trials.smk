# Needs: records, decisions and what people extracted. Makes: notices on the studies, included studies, sheets to
# fill in, effect sizes.


rule find_notices:
    input:
        records=f"results/{RUN}/records.csv",
        events=f"results/{RUN}/record_events.csv",
        decisions="data/decisions/screening.csv",
        reports="data/trials/reports.csv",
        checked=f"results/{RUN}/checked.json",
    output:
        notices=f"results/{RUN}/notices.csv",
    log:
        f"logs/{RUN}/find_notices.log",
    benchmark:
        f"logs/{RUN}/measured/find_notices.tsv"
    # On the longest way to the report: before what only has to be there in the end.
    priority: 1
    conda:
        "../environment.yml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        run=RUN,
        stages=config["screening"]["stages"],
        code=fingerprint("find_notices.py", schemas=["reports", "screening"]),
    message:
        "Looking for notices on the reports of studies"
    script:
        "../scripts/find_notices.py"


rule link_studies:
    input:
        records=f"results/{RUN}/records.csv",
        notices=f"results/{RUN}/notices.csv",
        decisions="data/decisions/screening.csv",
        studies="data/trials/studies.csv",
        reports="data/trials/reports.csv",
        checked=f"results/{RUN}/checked.json",
    output:
        included=f"results/{RUN}/included.csv",
    log:
        f"logs/{RUN}/link_studies.log",
    benchmark:
        f"logs/{RUN}/measured/link_studies.tsv"
    # On the longest way to the report: before what only has to be there in the end.
    priority: 1
    conda:
        "../environment.yml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        run=RUN,
        stages=config["screening"]["stages"],
        code=fingerprint(
            "link_studies.py",
            schemas=["studies", "reports", "screening"],
        ),
    message:
        "Linking included records to studies"
    script:
        "../scripts/link_studies.py"


# Also writes a sheet to fill in under data/trials/sheets/ for each included record without one; those are
# people's files, which no rule may own, or Snakemake would delete them.
rule prefill_sheets:
    input:
        records=f"results/{RUN}/records.csv",
        notices=f"results/{RUN}/notices.csv",
        decisions="data/decisions/screening.csv",
        studies="data/trials/studies.csv",
        reports="data/trials/reports.csv",
        instruments=INSTRUMENTS,
        checked=f"results/{RUN}/checked.json",
    output:
        extraction=f"results/{RUN}/extraction.csv",
    log:
        f"logs/{RUN}/prefill_sheets.log",
    benchmark:
        f"logs/{RUN}/measured/prefill_sheets.tsv"
    conda:
        "../environment.yml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        run=RUN,
        stages=config["screening"]["stages"],
        outcomes=list(config["outcomes"]),
        other_outcomes=config.get("other_outcomes", []),
        timepoint=config["analysis"]["timepoint"],
        extractors=EXTRACTORS,
        sheets=SHEETS_TYPED,
        code=fingerprint(
            "prefill_sheets.py",
            data_dictionary.DICTIONARY,
            schemas=["studies", "reports", "screening", "outcomes", "instruments"],
        ),
    message:
        "Preparing extraction sheets for newly included records"
    script:
        "../scripts/prefill_sheets.py"


# People settle differences in data/trials/sheets/<record>/conflicts.csv; this list is for the report.
rule compare_extractions:
    input:
        instruments=INSTRUMENTS,
        # Sheets are made before they are compared.
        extraction=f"results/{RUN}/extraction.csv",
    output:
        extraction_agreement=f"results/{RUN}/extraction_agreement.json",
        extraction_conflicts=f"results/{RUN}/extraction_conflicts.csv",
    log:
        f"logs/{RUN}/compare_extractions.log",
    benchmark:
        f"logs/{RUN}/measured/compare_extractions.tsv"
    conda:
        "../environment.yml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        run=RUN,
        sheets=SHEETS_TYPED,
        archived=SHEETS_OF_PAIRS,
        code=fingerprint(
            "compare_extractions.py",
            schemas=["studies", "outcomes", "instruments", "extraction_conflicts"],
        ),
    message:
        "Comparing independent extractions"
    script:
        "../scripts/compare_extractions.py"


rule list_corrections:
    input:
        studies="data/trials/studies.csv",
        outcomes="data/trials/outcomes.csv",
        instruments=INSTRUMENTS,
        checked=f"results/{RUN}/checked.json",
    output:
        corrections=f"results/{RUN}/corrections.csv",
    log:
        f"logs/{RUN}/list_corrections.log",
    benchmark:
        f"logs/{RUN}/measured/list_corrections.tsv"
    conda:
        "../environment.yml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        run=RUN,
        code=fingerprint("list_corrections.py", schemas=["studies", "outcomes", "instruments"]),
    message:
        "Listing corrections of extracted values"
    script:
        "../scripts/list_corrections.py"


rule compute_effects:
    input:
        studies="data/trials/studies.csv",
        outcomes="data/trials/outcomes.csv",
        checked=f"results/{RUN}/checked.json",
        included=f"results/{RUN}/included.csv",
        notices=f"results/{RUN}/notices.csv",
    output:
        effects=f"results/{RUN}/effects.csv",
    log:
        f"logs/{RUN}/compute_effects.log",
    benchmark:
        f"logs/{RUN}/measured/compute_effects.tsv"
    # On the longest way to the report: before what only has to be there in the end.
    priority: 1
    conda:
        "../environment.yml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        run=RUN,
        outcomes=config["outcomes"],
        analysis=config["analysis"],
        subgroups=config["subgroups"],
        code=fingerprint("compute_effects.py", schemas=["studies", "outcomes"]),
    message:
        "Computing effect sizes"
    script:
        "../scripts/compute_effects.py"
