# Needs: everything above. Makes: the report.


rule build_report:
    input:
        records=f"results/{RUN}/records.csv",
        events=f"results/{RUN}/record_events.csv",
        imports=f"results/{RUN}/imports.json",
        pairs=f"results/{RUN}/pairs.csv",
        companions=f"results/{RUN}/companions.csv",
        refetched=list(REFETCHED.values()),
        queue=f"results/{RUN}/queue.csv",
        ranking=f"results/{RUN}/ranking.json",
        backtest=f"results/{RUN}/backtest.json",
        months=f"results/{RUN}/backtest.csv",
        suspicious=f"results/{RUN}/suspicious.csv",
        drift=f"results/{RUN}/drift.json",
        agreement=f"results/{RUN}/agreement.json",
        conflicts=f"results/{RUN}/conflicts.csv",
        effects=f"results/{RUN}/effects.csv",
        findings=f"results/{RUN}/findings.csv",
        corrections=f"results/{RUN}/corrections.csv",
        extraction_agreement=f"results/{RUN}/extraction_agreement.json",
        judged=f"results/{RUN}/risk_of_bias.csv",
        estimates=f"results/{RUN}/estimates.json",
        certainty=f"results/{RUN}/certainty.json",
        changes=f"results/{RUN}/changes.json",
        triggers=f"results/{RUN}/triggers.json",
        methods_changes=f"results/{RUN}/methods_changes.json",
        text=f"results/{RUN}/text.json",
        flow=f"results/{RUN}/flow.json",
        status=f"results/{RUN}/status.json",
        whats_new=f"results/{RUN}/whats_new.json",
        included=f"results/{RUN}/included.csv",
        studies="data/trials/studies.csv",
        outcomes="data/trials/outcomes.csv",
        decisions="data/decisions/screening.csv",
        provenances=SNAPSHOTS,
        releases=RELEASES,
    output:
        report=f"results/{RUN}/report.html",
        data=f"results/{RUN}/report.json",
        checklists=f"results/{RUN}/checklists.csv",
    log:
        f"logs/{RUN}/build_report.log",
    benchmark:
        f"logs/{RUN}/measured/build_report.tsv"
    conda:
        "../environment.yml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=30,
    params:
        run=RUN,
        config=config,
        code=fingerprint(
            "build_report.py",
            TEMPLATES,
            schemas=["studies", "outcomes", "screening", "conflicts"],
        ),
    message:
        "Building the report"
    script:
        "../scripts/build_report.py"


rule draw_figures:
    input:
        effects=f"results/{RUN}/effects.csv",
        estimates=f"results/{RUN}/estimates.json",
        changes=f"results/{RUN}/changes.json",
        included=f"results/{RUN}/included.csv",
        studies="data/trials/studies.csv",
        releases=RELEASES,
    output:
        figures=directory(f"results/{RUN}/figures"),
    log:
        f"logs/{RUN}/draw_figures.log",
    benchmark:
        f"logs/{RUN}/measured/draw_figures.tsv"
    # On the longest way to the report: before what only has to be there in the end.
    priority: 1
    conda:
        "../environment.yml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=30,
    params:
        run=RUN,
        config=config,
        # No result: what saves drawing an image again. It may be deleted at any time.
        known=".cache/figures",
        code=fingerprint("draw_figures.py", TEMPLATES, schemas=["studies"]),
    message:
        "Drawing the figures into files"
    script:
        "../scripts/draw_figures.py"
