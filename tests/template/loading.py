"""Reads template.yaml: its short forms (!Ref, !GetAtt ...) become the long ones, so that it is plain data."""

from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
TEMPLATE = ROOT / "template.yaml"


class Loader(yaml.SafeLoader):
    """YAML with the functions of CloudFormation."""


def _function(loader, suffix, node):
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    if suffix in ("Ref", "Condition"):
        return {suffix: value}
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {f"Fn::{suffix}": value}


Loader.add_multi_constructor("!", _function)


def load(path=TEMPLATE):
    """The template as data."""
    return yaml.load(Path(path).read_text(), Loader)


def walk(node, path=()):
    """Every node of the data with the path to it, the outermost first."""
    yield path, node
    if isinstance(node, dict):
        for key, value in node.items():
            yield from walk(value, (*path, key))
    elif isinstance(node, list):
        for place, value in enumerate(node):
            yield from walk(value, (*path, place))


def of_type(template, kind):
    """The resources of a type, by logical id."""
    return {name: item for name, item in template["Resources"].items() if item["Type"] == kind}
