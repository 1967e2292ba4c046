# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What AWX is given asks for variables that there are, and gives what the roles take."""

from __future__ import annotations

import json
import re
from typing import Any

import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.relocate.django.plugins.plugin_utils import _inventory_checks
from tests.unit import sources

AWX = sources.ROOT / "examples" / "awx"
SPEC = yaml.safe_load((sources.ROOT / "roles/common/meta/argument_specs.yml").read_text())["argument_specs"]["main"]
OPTIONS = SPEC["options"]
#: What an answer of each kind of question is, and the keys that AWX wants of the kind.
KINDS = {"multiplechoice": {"choices"}, "integer": {"min", "max"}, "text": {"min", "max"}}


def complaints(given: dict[str, Any]) -> list[str]:
    """Give what roles and inventory say of variables."""
    said = ArgumentSpecValidator({name: OPTIONS[name] for name in given if name in OPTIONS}).validate(given)
    return said.error_messages + [item["msg"] for item in _inventory_checks.obstacles(given, [], [], [])]


def test_each_answer_of_the_survey_is_one_that_the_roles_take() -> None:
    survey = json.loads((AWX / "survey.json").read_text())
    assert survey["name"] and len(survey["spec"]) >= 5
    for question in survey["spec"]:
        assert question["question_name"] and question["variable"] in OPTIONS
        assert KINDS[question["type"]] <= set(question)
        answers = question.get("choices") or [question["min"], question["max"]]
        for answer in [*answers, question["default"]]:
            assert complaints({question["variable"]: answer}) == [], question["variable"]
        choices = OPTIONS[question["variable"]].get("choices")
        assert choices is None or set(question["choices"]) == set(choices)


def test_the_defaults_of_the_survey_are_those_of_the_roles() -> None:
    for question in json.loads((AWX / "survey.json").read_text())["spec"]:
        if question["variable"] != "relocate_rehearsal":  # somebody who only clicks shall stop no site
            assert str(question["default"]).lower() == str(OPTIONS[question["variable"]]["default"]).lower()
        else:
            assert question["default"] == "true"


def test_the_credential_type_gives_what_the_roles_take() -> None:
    kind = yaml.safe_load((AWX / "credential_type.yml").read_text())
    fields = {field["id"]: field for field in kind["inputs"]["fields"]}
    assert set(kind["inputs"]["required"]) == set(fields)
    assert {name for name, field in fields.items() if field.get("secret")} == {"old_password", "new_password"}
    used = set()
    for name, login in kind["injectors"]["extra_vars"].items():
        assert name in OPTIONS and OPTIONS[name]["type"] == "dict"
        assert complaints({name: login}) == []
        assert set(login) <= set(re.findall(r"C\((\w+)\)", OPTIONS["relocate_old_login"]["description"]))
        used |= {text.strip("{} ") for text in login.values()}
    assert used == set(fields)
