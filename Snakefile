# living-review: one run (a month) of a living systematic review.
#
#   snakemake --cores 2                           the run that config.yaml names
#   snakemake --cores 2 --config run=2026-12      another run
#   snakemake --cores 2 bulk                      the same query over PubMed's baseline and update files
#   snakemake --cores 2 --directory DIR           another review: DIR holds its config.yaml and data/
#
# Snapshots and decisions under data/ are state; everything under results/ follows from them.
from snakemake.utils import min_version

min_version("9.0")


configfile: "config.yaml"


include: "rules/common.smk"
include: "rules/check.smk"
include: "rules/search.smk"
include: "rules/bulk.smk"
include: "rules/screening.smk"
include: "rules/reviewers.smk"
include: "rules/trials.smk"
include: "rules/plausibility.smk"
include: "rules/risk_of_bias.smk"
include: "rules/pooling.smk"
include: "rules/living.smk"
include: "rules/text.smk"
include: "rules/report.smk"
include: "rules/archive.smk"


rule all:
    default_target: True
    input:
        f"results/{RUN}/report.html",
        f"results/{RUN}/figures",
        f"results/{RUN}/archive.html",
        f"results/{RUN}/feed.atom",
        f"results/{RUN}/queue.csv",
        f"results/{RUN}/conflicts.csv",
        f"results/{RUN}/agreement.json",
        f"results/{RUN}/extraction.csv",
        f"results/{RUN}/risk_of_bias.csv",
        f"results/{RUN}/extraction_agreement.json",
        f"results/{RUN}/corrections.csv",
        f"results/{RUN}/findings.csv",


# A recall audit: the same query over PubMed's own files, where the protocol names their folder.
if "bulk" in config["search"]:

    rule bulk:
        input:
            f"results/{RUN}/bulk_audit.json",


# Snakemake would take results for new of which its own notes are lost, or whose tables only look older.
if workflow.is_main_process and invocation.runs_jobs(sys.argv[1:]):
    made = (output for rule in workflow.rules for output in rule.output)
    if doubted := engine_notes.doubt(".snakemake", made):
        logger.info(f"{len(doubted)} results are made again: of other tables than before, or of unknown ones")


onsuccess:
    snapshot.restore("data/searches")
    from livingreview.operation import measured

    measured.write(f"logs/{RUN}")
    say_last(done(RUN, own=OWN_QUEUES))
    if saved := saved_meanwhile.changed(BEGUN_WITH, saved_meanwhile.seen()):
        names = ", ".join(saved)
        say_last(f"\nSaved while the run worked: {names}. Run the same command again to take it in.")
        if run_log.VARIABLE in os.environ:
            run_log.write(os.environ[run_log.VARIABLE], run=RUN, event=run_log.SAVED, message=names)


onerror:
    snapshot.restore("data/searches")
    say_last(reason_of_failure(log[0] if log else "", "logs"))
