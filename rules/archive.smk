# Needs: the releases as they were frozen, and what is new in this run. Makes: the page of all versions, and the feed.


rule build_archive:
    input:
        news=f"results/{RUN}/whats_new.json",
        releases=RELEASES,
    output:
        archive=f"results/{RUN}/archive.html",
        feed=f"results/{RUN}/feed.atom",
    log:
        f"logs/{RUN}/build_archive.log",
    benchmark:
        f"logs/{RUN}/measured/build_archive.tsv"
    conda:
        "../environment.yml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        run=RUN,
        config={key: value for key, value in config.items() if key != "version"},
        frozen=digests(sorted(Path("data/releases").glob("*/e*.csv"))),
        code=fingerprint("build_archive.py", TEMPLATES),
    message:
        "Building the page of all versions"
    script:
        "../scripts/build_archive.py"
