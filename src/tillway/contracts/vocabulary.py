"""The words of the Open Data Contract Standard 3.1 that a contract may use, level by level.

Everything the standard knows is accepted; the quality rules and type options that Tillway would not
check are refused where they stand, so that no rule is believed to be checked and is not.
"""

from __future__ import annotations

API_VERSIONS = ("v3.1.0", "v3.0.2", "v3.0.1", "v3.0.0")
STATUSES = ("proposed", "draft", "active", "deprecated", "retired")

_EVERYWHERE = ("id", "authoritativeDefinitions", "customProperties")
_ELEMENT = (
    *_EVERYWHERE,
    "name",
    "businessName",
    "description",
    "physicalName",
    "physicalType",
    "logicalType",
    "properties",
    "relationships",
    "quality",
    "tags",
)

CONTRACT_KEYS = (
    *_EVERYWHERE,
    "apiVersion",
    "kind",
    "name",
    "version",
    "status",
    "tenant",
    "domain",
    "dataProduct",
    "description",
    "tags",
    "schema",
    "team",
    "support",
    "roles",
    "price",
    "servers",
    "slaProperties",
    "slaDefaultElement",
    "contractCreatedTs",
)
DESCRIPTION_KEYS = (*_EVERYWHERE, "purpose", "usage", "limitations")
TEAM_KEYS = (*_EVERYWHERE, "name", "description", "members", "tags")
SUPPORT_KEYS = (
    *_EVERYWHERE,
    "channel",
    "url",
    "description",
    "tool",
    "scope",
    "invitationUrl",
)
OBJECT_KEYS = (*_ELEMENT, "dataGranularityDescription")
PROPERTY_KEYS = (
    *_ELEMENT,
    "required",
    "unique",
    "items",
    "examples",
    "primaryKey",
    "primaryKeyPosition",
    "partitioned",
    "partitionKeyPosition",
    "classification",
    "criticalDataElement",
    "encryptedName",
    "transformSourceObjects",
    "transformLogic",
    "transformDescription",
)
QUALITY_KEYS = (
    *_EVERYWHERE,
    "name",
    "description",
    "type",
    "metric",
    "arguments",
    "mustBe",
    "dimension",
    "severity",
    "businessImpact",
    "unit",
    "tags",
)
CUSTOM_KEYS = ("id", "property", "value", "description")

ARITHMETIC = "arithmetic"
SEQUENCE = "sequence"
OWN_PROPERTIES = (ARITHMETIC, SEQUENCE)
ARITHMETIC_KEYS = ("severity", "tolerance")
SEVERITIES = ("error", "warn", "count", "off")
SEQUENCE_KEYS = ("scope", "reset")
