# Needs: the query, and a folder of PubMed's baseline and update files. Makes: what the files hold for the query,
# and how that compares with this run's search. One job a file, so that a cluster can spread them.

# The rules exist only where the protocol names such a folder.
if "bulk" in config["search"]:
    from livingreview.search.pubmed import bulk

    BULK = {
        "folder": config["search"]["bulk"]["folder"],
        "allow_gaps": config["search"]["bulk"].get("allow_gaps", False),
    }

    rule scan_bulk:
        input:
            file=f"{BULK['folder']}/{{name}}.xml.gz",
            md5=f"{BULK['folder']}/{{name}}.xml.gz.md5",
        output:
            about="results/bulk/scans/{name}.json",
            seen="results/bulk/scans/{name}.npy",
            kept="results/bulk/scans/{name}.xml.gz",
        log:
            "logs/{name}/scan_bulk.log",
        benchmark:
            "logs/{name}/measured/scan_bulk.tsv"
        wildcard_constraints:
            name=r"pubmed\d\dn\d\d\d\d+",
        conda:
            "../environment.yml"
        threads: 1
        resources:
            mem_mb=500,
            runtime=30,
        params:
            query=config["search"]["query"],
            code=fingerprint("scan_bulk.py"),
        message:
            "Searching in {wildcards.name}"
        script:
            "../scripts/scan_bulk.py"

    rule combine_bulk:
        input:
            abouts=lambda _: [f"results/bulk/scans/{name}.json" for name in bulk.listing(**BULK).names],
        output:
            about="results/bulk/bulk.json",
            found="results/bulk/found.csv",
            articles="results/bulk/articles.xml.gz",
            undecided="results/bulk/undecided.xml.gz",
        log:
            "logs/bulk/combine_bulk.log",
        benchmark:
            "logs/bulk/measured/combine_bulk.tsv"
        conda:
            "../environment.yml"
        threads: 1
        resources:
            mem_mb=1000,
            runtime=60,
        params:
            query=config["search"]["query"],
            missing=lambda _: list(bulk.listing(**BULK).missing),
            code=fingerprint("combine_bulk.py"),
        message:
            "Putting the files together in their order"
        script:
            "../scripts/combine_bulk.py"

    rule audit_bulk:
        input:
            provenance=f"data/searches/{RUN}/pubmed/provenance.json",
            about="results/bulk/bulk.json",
            found="results/bulk/found.csv",
            abouts=lambda _: [f"results/bulk/scans/{name}.json" for name in bulk.listing(**BULK).names],
        output:
            audit=f"results/{RUN}/bulk_audit.json",
        log:
            f"logs/{RUN}/audit_bulk.log",
        benchmark:
            f"logs/{RUN}/measured/audit_bulk.tsv"
        conda:
            "../environment.yml"
        threads: 1
        resources:
            mem_mb=1000,
            runtime=30,
        params:
            code=fingerprint("audit_bulk.py"),
        message:
            "Comparing this run's search with PubMed's files"
        script:
            "../scripts/audit_bulk.py"
