# Needs: this run's results and the releases. Makes: the flow of records, the status, and what changed.


rule keep_ledger:
    input:
        records=f"results/{RUN}/records.csv",
        notices=f"results/{RUN}/notices.csv",
        imports=f"results/{RUN}/imports.json",
        decisions="data/decisions/screening.csv",
        reports="data/trials/reports.csv",
        pairs="data/decisions/pairs.csv",
        checked=f"results/{RUN}/checked.json",
        releases=RELEASES,
    output:
        ledger=f"results/{RUN}/ledger.csv",
    log:
        f"logs/{RUN}/keep_ledger.log",
    benchmark:
        f"logs/{RUN}/measured/keep_ledger.tsv"
    conda:
        "../environment.yml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        run=RUN,
        stages=config["screening"]["stages"],
        code=fingerprint("keep_ledger.py", schemas=["screening", "reports", "pairs"]),
    message:
        "Keeping the ledger of records, reports and studies"
    script:
        "../scripts/keep_ledger.py"


rule count_flow:
    input:
        ledger=f"results/{RUN}/ledger.csv",
        records=f"results/{RUN}/records.csv",
        included=f"results/{RUN}/included.csv",
        extraction=f"results/{RUN}/extraction.csv",
        releases=RELEASES,
    output:
        flow=f"results/{RUN}/flow.json",
    log:
        f"logs/{RUN}/count_flow.log",
    benchmark:
        f"logs/{RUN}/measured/count_flow.tsv"
    conda:
        "../environment.yml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        run=RUN,
        reasons=list(config["screening"]["reasons"]),
        code=fingerprint("count_flow.py"),
    message:
        "Counting the flow of records and studies"
    script:
        "../scripts/count_flow.py"


rule describe_status:
    input:
        records=f"results/{RUN}/records.csv",
        events=f"results/{RUN}/record_events.csv",
        notices=f"results/{RUN}/notices.csv",
        queue=f"results/{RUN}/queue.csv",
        included=f"results/{RUN}/included.csv",
        effects=f"results/{RUN}/effects.csv",
        extraction=f"results/{RUN}/extraction.csv",
        triggers=f"results/{RUN}/triggers.json",
        certainty=f"results/{RUN}/certainty.json",
        decisions="data/decisions/screening.csv",
        reports="data/trials/reports.csv",
        studies="data/trials/studies.csv",
        outcomes="data/trials/outcomes.csv",
        provenances=SNAPSHOTS,
        releases=RELEASES,
        # The bundled records say which of their entry dates are estimates; PubMed's have none.
        corpus=[config["search"]["sandbox_corpus"]] if config["search"]["base_url"] == "sandbox" else [],
    output:
        status=f"results/{RUN}/status.json",
    log:
        f"logs/{RUN}/describe_status.log",
    benchmark:
        f"logs/{RUN}/measured/describe_status.tsv"
    conda:
        "../environment.yml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        run=RUN,
        stages=config["screening"]["stages"],
        living=config["living"],
        code=fingerprint(
            "describe_status.py",
            schemas=["screening", "reports", "studies", "outcomes", "queue", "sandbox_records"],
        ),
    message:
        "Describing the status of the review"
    script:
        "../scripts/describe_status.py"


rule tell_news:
    input:
        status=f"results/{RUN}/status.json",
        queue=f"results/{RUN}/queue.csv",
        records=f"results/{RUN}/records.csv",
        events=f"results/{RUN}/record_events.csv",
        notices=f"results/{RUN}/notices.csv",
        included=f"results/{RUN}/included.csv",
        changes=f"results/{RUN}/changes.json",
        triggers=f"results/{RUN}/triggers.json",
        decisions="data/decisions/screening.csv",
        reports="data/trials/reports.csv",
        studies="data/trials/studies.csv",
        outcomes="data/trials/outcomes.csv",
        provenances=SNAPSHOTS,
        releases=RELEASES,
    output:
        news=f"results/{RUN}/whats_new.json",
        digest=f"results/{RUN}/whats_new.md",
        queue_page=f"results/{RUN}/queue.md",
    log:
        f"logs/{RUN}/tell_news.log",
    benchmark:
        f"logs/{RUN}/measured/tell_news.tsv"
    conda:
        "../environment.yml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        run=RUN,
        stages=config["screening"]["stages"],
        title=config["review"]["title"],
        outcomes=config["outcomes"],
        own=list(OWN_QUEUES.values()),
        code=fingerprint("tell_news.py", schemas=["screening", "queue", "reports", "studies", "outcomes"]),
    message:
        "Telling what is new"
    script:
        "../scripts/tell_news.py"


rule compare_release:
    input:
        estimates=f"results/{RUN}/estimates.csv",
        effects=f"results/{RUN}/effects.csv",
        included=f"results/{RUN}/included.csv",
        notices=f"results/{RUN}/notices.csv",
        studies="data/trials/studies.csv",
        outcomes="data/trials/outcomes.csv",
        releases=RELEASES,
    output:
        changes=f"results/{RUN}/changes.json",
    log:
        f"logs/{RUN}/compare_release.log",
    benchmark:
        f"logs/{RUN}/measured/compare_release.tsv"
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
        code=fingerprint("compare_release.py", schemas=["studies", "outcomes"]),
    message:
        "Comparing with the last release"
    script:
        "../scripts/compare_release.py"


rule suggest_certainty:
    input:
        details=f"results/{RUN}/estimates.json",
        effects=f"results/{RUN}/effects.csv",
        judged=f"results/{RUN}/risk_of_bias.csv",
        included=f"results/{RUN}/included.csv",
        studies="data/trials/studies.csv",
        outcomes="data/trials/outcomes.csv",
        instruments=INSTRUMENTS,
        # People's judgements, which a review may do without.
        rated=[p for p in ["data/certainty/ratings.csv"] if Path(p).is_file()],
    output:
        certainty=f"results/{RUN}/certainty.json",
    log:
        f"logs/{RUN}/suggest_certainty.log",
    benchmark:
        f"logs/{RUN}/measured/suggest_certainty.tsv"
    conda:
        "../environment.yml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        run=RUN,
        domains=config["outcomes"],
        timepoint=config["analysis"]["timepoint"],
        interpretation=config["interpretation"],
        subgroups=config["subgroups"],
        certainty=config.get("certainty", {}),
        folder=lambda _: "data/trials/tools",
        tools=digests(sorted(Path("data/trials/tools").glob("*.yaml"))),
        code=fingerprint(
            "suggest_certainty.py",
            Path(workflow.basedir) / "data/trials/tools",
            schemas=["ratings", "studies", "outcomes", "instruments"],
        ),
    message:
        "Suggesting how certain the evidence is"
    script:
        "../scripts/suggest_certainty.py"


rule compare_methods:
    input:
        releases=RELEASES,
        # A review may do without: it has had no change to give a reason for.
        reasons=[p for p in ["data/methods/changes.csv"] if Path(p).is_file()],
        checked=f"results/{RUN}/checked.json",
    output:
        changes=f"results/{RUN}/methods_changes.json",
        wanted=f"results/{RUN}/methods_reasons.csv",
    log:
        f"logs/{RUN}/compare_methods.log",
    benchmark:
        f"logs/{RUN}/measured/compare_methods.tsv"
    conda:
        "../environment.yml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        run=RUN,
        config=config,
        code=fingerprint("compare_methods.py", schemas=["methods_changes"]),
    message:
        "Comparing the protocol with that of the last release"
    script:
        "../scripts/compare_methods.py"


rule evaluate_triggers:
    input:
        changes=f"results/{RUN}/changes.json",
        certainty=f"results/{RUN}/certainty.json",
        included=f"results/{RUN}/included.csv",
        notices=f"results/{RUN}/notices.csv",
        studies="data/trials/studies.csv",
        releases=RELEASES,
    output:
        triggers=f"results/{RUN}/triggers.json",
    log:
        f"logs/{RUN}/evaluate_triggers.log",
    benchmark:
        f"logs/{RUN}/measured/evaluate_triggers.tsv"
    conda:
        "../environment.yml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        run=RUN,
        outcomes=list(config["outcomes"]),
        triggers=config.get("triggers", {}),
        certainty=config.get("certainty", {}),
        interpretation=config["interpretation"],
        code=fingerprint("evaluate_triggers.py", schemas=["studies"]),
    message:
        "Evaluating the triggers"
    script:
        "../scripts/evaluate_triggers.py"
