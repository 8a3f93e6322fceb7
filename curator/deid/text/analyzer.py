"""The text engine: presidio-analyzer on an offline spaCy pipeline.

The law: nothing is ever downloaded. Without a named model the pipeline is a blank one; a named model has to be
installed. None of presidio's own recognizers is used, for some of them ask the network what a domain is.
"""

from __future__ import annotations

import spacy
from presidio_analyzer import AnalyzerEngine, RecognizerRegistry
from presidio_analyzer.nlp_engine import NerModelConfiguration, NlpEngine, NlpEngineProvider, SpacyNlpEngine
from presidio_analyzer.predefined_recognizers import SpacyRecognizer

from curator.deid.text.cleaner import Cleaner, Find, Found
from curator.deid.text.recognizers import pattern_recognizer
from curator.errors import ConfigurationError
from curator.policy.text import TextRules

_ENGINE = "spacy"


def make_cleaner(rules: TextRules) -> Cleaner:
    """A cleaner on a new engine, to be made once a process.

    Raises:
        ConfigurationError: the spaCy model that the rules name is not installed, or spaCy knows no such language.
    """
    return Cleaner(rules, engine_of(rules))


def engine_of(rules: TextRules) -> Find:
    """What finds the entities of the rules, and those of a named model, in a text.

    Raises:
        ConfigurationError: see `make_cleaner`.
    """
    nlp = _pipeline(rules)
    recognizers = [pattern_recognizer(rule, language=rules.language) for rule in rules.recognizers]
    registry = RecognizerRegistry(
        recognizers=[*recognizers, *([SpacyRecognizer(supported_language=rules.language)] if rules.model else [])],
        supported_languages=[rules.language],
    )
    analyzer = AnalyzerEngine(registry=registry, nlp_engine=nlp, supported_languages=[rules.language])

    def find(text: str) -> tuple[Found, ...]:
        results = analyzer.analyze(text=text, language=rules.language)
        return tuple(sorted(Found(one.start, one.end, _name(one.recognition_metadata)) for one in results))

    return find


def _pipeline(rules: TextRules) -> NlpEngine:
    if not rules.model:
        engine = SpacyNlpEngine(
            models=[{"lang_code": rules.language, "model_name": "blank"}],
            ner_model_configuration=NerModelConfiguration(labels_to_ignore=[]),
        )
        try:
            # Set, not loaded: loading would look for a model of that name, and download it.
            setattr(engine, "nlp", {rules.language: spacy.blank(rules.language)})  # noqa: B010 - typed as None there
        except ImportError as error:
            raise ConfigurationError(f"[text/engine.toml] language: spaCy knows no {rules.language!r}") from error
        return engine
    if not spacy.util.is_package(rules.model):
        raise ConfigurationError(
            f"[text/engine.toml] model: {rules.model!r} is not installed; install it, or leave the name empty"
        )
    return NlpEngineProvider(
        nlp_configuration={
            "nlp_engine_name": _ENGINE,
            "models": [{"lang_code": rules.language, "model_name": rules.model}],
        }
    ).create_engine()


def _name(metadata: dict[str, str]) -> str:
    return str(metadata.get("recognizer_name", ""))
