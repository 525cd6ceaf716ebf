"""What a command line of Snakemake asks for."""

from snakemake.cli import get_argument_parser

# Options by which Snakemake looks at a workflow, or tidies up, and runs no job of it.
LOOKS = (
    "dryrun",
    "touch",
    "lint",
    "list_rules",
    "list_target_rules",
    "summary",
    "detailed_summary",
    "list_changes",
    "list_input_changes",
    "list_params_changes",
    "list_untracked",
    "dag",
    "rulegraph",
    "filegraph",
    "d3dag",
    "print_compilation",
    "unlock",
    "cleanup_metadata",
    "cleanup_shadow",
    "delete_all_output",
    "delete_temp_output",
    "report",
    "archive",
    "containerize",
    "conda_create_envs_only",
    "conda_cleanup_envs",
    "list_conda_envs",
    "container_cleanup_images",
    "generate_unit_tests",
)


def runs_jobs(argv):
    """Whether a command line runs jobs, and does not merely look at what it would run.

    A Snakefile is read before Snakemake has decided how to execute it, so that only the command line tells.

    Parameters
    ----------
    argv : list of str
        Without the program's name.
    """
    given, _unknown = get_argument_parser().parse_known_args(argv)
    # Some of these options hold a list or a path, which may be empty: given is whatever is not the default.
    asked = {name: getattr(given, name, None) for name in LOOKS}
    return not any(value not in (None, False) for value in asked.values())
