# Needs: effect sizes and risk of bias. Makes: pooled estimates, sensitivity analyses and diagnostics, per outcome.


rule pool_outcomes:
    input:
        effects=f"results/{RUN}/effects.csv",
        judged=f"results/{RUN}/risk_of_bias.csv",
        studies="data/trials/studies.csv",
    output:
        estimates=f"results/{RUN}/estimates.csv",
        details=f"results/{RUN}/estimates.json",
        sensitivity_table=f"results/{RUN}/sensitivity.csv",
        influence=f"results/{RUN}/influence.csv",
        cumulative=f"results/{RUN}/cumulative.csv",
        leave_one_out=f"results/{RUN}/leave_one_out.csv",
        subgroups=f"results/{RUN}/subgroups.csv",
    log:
        f"logs/{RUN}/pool_outcomes.log",
    benchmark:
        f"logs/{RUN}/measured/pool_outcomes.tsv"
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
        outcomes=config["outcomes"],
        analysis=config["analysis"],
        subgroups=config["subgroups"],
        interpretation=config["interpretation"],
        moderators=config.get("moderators", {}),
        code=fingerprint("pool_outcomes.py", schemas=["studies"]),
    message:
        "Pooling each outcome"
    script:
        "../scripts/pool_outcomes.py"
