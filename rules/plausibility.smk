# Needs: the trials, the registry of instruments, people's clearances. Makes: what a person should look at again.


rule check_trials:
    input:
        studies="data/trials/studies.csv",
        outcomes="data/trials/outcomes.csv",
        instruments=INSTRUMENTS,
        clearances=[path for path in ["data/trials/clearances.csv"] if Path(path).is_file()],
        checked=f"results/{RUN}/checked.json",
    output:
        findings=f"results/{RUN}/findings.csv",
    log:
        f"logs/{RUN}/check_trials.log",
    benchmark:
        f"logs/{RUN}/measured/check_trials.tsv"
    conda:
        "../environment.yml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        run=RUN,
        uncleared=config.get("extraction", {}).get("uncleared_findings", "report"),
        code=fingerprint(
            "check_trials.py",
            schemas=["studies", "outcomes", "instruments", "clearances"],
        ),
    message:
        "Looking for implausible values in the trials"
    script:
        "../scripts/check_trials.py"
