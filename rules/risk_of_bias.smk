# Needs: what people answered and judged of the trials' risk of bias, if anything. Makes: judgements by the tools.


rule judge_risk_of_bias:
    input:
        studies="data/trials/studies.csv",
        # A review may do without, and one of an older version has no such table.
        entered=[p for p in ["data/trials/risk_of_bias.csv"] if Path(p).is_file()],
        checked=f"results/{RUN}/checked.json",
    output:
        judged=f"results/{RUN}/risk_of_bias.csv",
    log:
        f"logs/{RUN}/judge_risk_of_bias.log",
    benchmark:
        f"logs/{RUN}/measured/judge_risk_of_bias.tsv"
    conda:
        "../environment.yml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        run=RUN,
        outcomes=[*config["outcomes"], *config.get("other_outcomes", [])],
        folder=lambda _: "data/trials/tools",
        assessors=list(bias_blinding.assessors(config.get("extraction", {}))),
        tools=digests(sorted(Path("data/trials/tools").glob("*.yaml"))),
        code=fingerprint(
            "judge_risk_of_bias.py",
            Path(workflow.basedir) / "data/trials/tools",
            schemas=["studies", "risk_of_bias"],
        ),
    message:
        "Judging risk of bias"
    script:
        "../scripts/judge_risk_of_bias.py"
