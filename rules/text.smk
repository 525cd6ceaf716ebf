# Needs: this run's results, and what people wrote about them, if anything. Makes: text that holds, and its keys.


rule check_text:
    input:
        estimates=f"results/{RUN}/estimates.json",
        effects=f"results/{RUN}/effects.csv",
        changes=f"results/{RUN}/changes.json",
        certainty=f"results/{RUN}/certainty.json",
        flow=f"results/{RUN}/flow.json",
        status=f"results/{RUN}/status.json",
        # A review may do without.
        texts=sorted(str(path) for path in Path("data/text").glob("*.md")),
    output:
        text=f"results/{RUN}/text.json",
        quotable=f"results/{RUN}/text_keys.csv",
    log:
        f"logs/{RUN}/check_text.log",
    benchmark:
        f"logs/{RUN}/measured/check_text.tsv"
    conda:
        "../environment.yml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        run=RUN,
        config=config,
        code=fingerprint("check_text.py"),
    message:
        "Holding what people wrote against the results"
    script:
        "../scripts/check_text.py"
