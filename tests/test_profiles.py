"""Profiles for clusters: what they set exists, and no rule is left out of them by accident."""

import dataclasses
import re

import pytest
import yaml
from snakemake.cli import get_argument_parser
from snakemake_executor_plugin_slurm import ExecutorSettings as SlurmSettings
from snakemake_interface_executor_plugins.registry import ExecutorPluginRegistry

# Options of snakemake-executor-plugin-kubernetes 0.5.1, which is not installed for development.
KUBERNETES = {
    "namespace",
    "cpu-scalar",
    "service-account-name",
    "privileged",
    "persistent-volumes",
    "omit-job-cleanup",
}
# Rules that no submission holds together with others, each for its reason.
ON_THE_HOST_THAT_SUBMITS = {"search_pubmed", "refetch_records"}
A_JOB_OF_ITS_OWN = {"scan_bulk", "combine_bulk", "audit_bulk"}


def profile(root, name):
    return yaml.safe_load((root / "profiles" / name / "config.yaml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def rules():
    """Name and text of every rule."""
    from conftest import ROOT

    found = {}
    for path in sorted((ROOT / "rules").glob("*.smk")):
        parts = re.split(r"(?m)^\s*rule (\w+):", path.read_text(encoding="utf-8"))
        found |= dict(zip(parts[1::2], parts[2::2], strict=True))
    return found


def options():
    """Long options of Snakemake and of its installed plugins."""
    ExecutorPluginRegistry().collect_plugins()
    parser = get_argument_parser()
    return {text[2:] for action in parser._actions for text in action.option_strings if text[:2] == "--"}


@pytest.mark.parametrize("name", ["default", "slurm", "kubernetes"])
def test_every_key_of_a_profile_is_an_option(root, name):
    slurm = {f"slurm-{one.name.replace('_', '-')}" for one in dataclasses.fields(SlurmSettings)}
    known = options() | slurm | {f"kubernetes-{one}" for one in KUBERNETES}
    assert set(profile(root, name)) - known == set()


@pytest.mark.parametrize("name", ["slurm", "kubernetes"])
def test_every_rule_is_grouped_or_runs_alone_for_a_reason(root, rules, name):
    grouped = [line.split("=") for line in profile(root, name)["groups"]]
    assert {group for _rule, group in grouped} == {"month"}
    names = [rule for rule, _group in grouped]
    assert sorted(names) == sorted(rules.keys() - ON_THE_HOST_THAT_SUBMITS - A_JOB_OF_ITS_OWN)


def test_ncbi_is_asked_from_the_host_that_submits(rules):
    assert {name for name, text in rules.items() if "localrule: True" in text} == ON_THE_HOST_THAT_SUBMITS


def test_every_rule_says_what_it_needs(rules):
    for name, text in rules.items():
        for need in (r"threads: \d+", r"mem_mb=\d+", r"runtime=\d+"):
            assert len(re.findall(need, text)) == 1, f"{name}: {need}"


def test_a_month_in_a_pod_names_the_image_and_the_folder_of_the_profile(root):
    cronjob = yaml.safe_load((root / "profiles/kubernetes/cronjob.yaml").read_text(encoding="utf-8"))
    pod = cronjob["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    (container,), (volume,) = pod["containers"], pod["volumes"]
    ours = profile(root, "kubernetes")
    assert container["image"] == ours["container-image"]
    claim = f"{volume['persistentVolumeClaim']['claimName']}:{container['volumeMounts'][0]['mountPath']}"
    assert ours["kubernetes-persistent-volumes"] == [claim]
    assert f"--uid {pod['securityContext']['runAsUser']} " in (root / "Dockerfile").read_text()
    assert cronjob["spec"]["concurrencyPolicy"] == "Forbid"
