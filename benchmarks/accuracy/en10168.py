"""Ground truth from the JSON twin of an EN 10168 certificate.

The twin is what the PDF was made from; an entry that is there more than once with different values
makes the truth ambiguous. Only what is printed is derived, not type tags or translated names.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

from .grading import ANY_UNIT

Fact = dict[str, Any]
Node = dict[str, Any]

_TRANSACTION = {
    "inspection_document": "A02",
    "certificate_number": "A03",
    "purchase_order": "A07",
    "works_order": "A08",
    "article_number": "A09",
    "delivery_number": "A98",
}
_PRODUCT = {"product": "B01", "delivery_condition": "B04", "pieces": "B08"}
_MEASURED = {"length": "B10", "theoretical_mass": "B12", "actual_mass": "B13"}
_DIMENSIONS = {"width": "Width", "height": "Height", "wall_thickness": "WallThickness"}
_TENSILE = {"yield_strength": "C11", "tensile_strength": "C12", "elongation": "C13"}
_ELEMENTS = {"carbon": "C", "silicon": "Si", "manganese": "Mn", "phosphorus": "P", "sulphur": "S"}


def truth_of(twin: Mapping[str, Any]) -> dict[str, Any]:
    """A document's entry as in truth.json: `fields` and the list `chemistry`."""
    certificate = cast("Node", twin["Certificate"])
    fields = {
        **_transaction(certificate.get("CommercialTransaction", {})),
        **_product(certificate.get("ProductDescription", {})),
        **_inspections(_several(certificate.get("Inspection"))),
    }
    issued = certificate.get("Validation", {}).get("Z02")
    if issued:
        fields["issue_date"] = {"value": issued}
    rows = [_row(entry) for entry in _chemistry(_several(certificate.get("Inspection")))]
    return {"outcome": "ok", "fields": fields, "lists": {"chemistry": rows}}


def _several(node: Any) -> list[Node]:
    if node is None:
        return []
    return cast("list[Node]", node if isinstance(node, list) else [node])


def _transaction(node: Node) -> dict[str, Fact]:
    facts: dict[str, Fact] = {
        name: {"value": str(node[code])} for name, code in _TRANSACTION.items() if code in node
    }
    plant = cast("Node", node.get("A01") or {})
    name = plant.get("Name") or plant.get("CompanyName")
    # Without a name the box begins with the street: nothing is known about the field.
    facts["manufacturer"] = {"value": name} if name else {"skip": True}
    return facts


def _product(node: Node) -> dict[str, Fact]:
    facts = {name: {"value": str(node[code])} for name, code in _PRODUCT.items() if code in node}
    steel = node.get("B02", {}).get("SteelDesignation")
    if steel:
        facts["steel_designation"] = {"value": ", ".join(steel)}
    facts |= {name: _quantity(node[code]) for name, code in _MEASURED.items() if code in node}
    size = node.get("B09", {})
    for name, key in _DIMENSIONS.items():
        if key in size:
            facts[name] = {"value": str(size[key]), "unit": size.get("Unit")}
    return facts


def _quantity(node: Node) -> Fact:
    return {"value": str(node["Value"]), "unit": node.get("Unit")}


def _inspections(nodes: Sequence[Node]) -> dict[str, Fact]:
    found: dict[str, list[Fact]] = {}
    for node in nodes:
        if "C00" in node:
            found.setdefault("batch_number", []).append({"value": node["C00"]})
        if "C03" in node:
            number, _, unit = node["C03"].partition(" ")
            found.setdefault("test_temperature", []).append({"value": number, "unit": unit})
        tensile = node.get("TensileTest", {})
        for name, code in _TENSILE.items():
            if code in tensile:
                found.setdefault(name, []).append(_quantity(tensile[code]))
        impact = node.get("NotchedBarImpactTest", {}).get("C43")
        if impact:
            found.setdefault("impact_energy", []).append(_quantity(impact))
    for entry in _chemistry(nodes):
        _add_element(found, entry)
    return {name: _one(facts) for name, facts in found.items()}


def _add_element(found: dict[str, list[Fact]], entry: Node) -> None:
    for name, symbol in _ELEMENTS.items():
        if str(entry.get("Symbol", "")).casefold() != symbol.casefold():
            continue
        fact = {"value": _number(entry), "unit": entry.get("Unit", ANY_UNIT)}
        found.setdefault(name, []).append(fact)
        if name == "carbon" and "Maximum" in entry:
            limit = {"value": _number(entry, "Maximum"), "unit": entry.get("Unit", ANY_UNIT)}
            found.setdefault("carbon_max", []).append(limit)


def _one(facts: Sequence[Fact]) -> Fact:
    distinct = {str(fact["value"]): fact for fact in facts}
    several = list(distinct.values())
    return several[0] if len(several) == 1 else {"ambiguous": several}


def _chemistry(nodes: Sequence[Node]) -> Iterator[Node]:
    for node in nodes:
        for entry in node.get("ChemicalComposition", {}).values():
            if isinstance(entry, dict) and "Symbol" in entry and "Actual" in entry:
                yield cast("Node", entry)


def _number(entry: Node, which: str = "Actual") -> str:
    actual = entry[which]
    value = cast("Node", actual)["Value"] if isinstance(actual, dict) else actual
    return str(value).lstrip("<>=≤≥ ")


def _row(entry: Node) -> dict[str, Fact]:
    row: dict[str, Fact] = {
        "symbol": {"value": entry["Symbol"]},
        "content": {"value": _number(entry)},
    }
    # Older twins leave the unit out, which the page prints in the heading of the line.
    row["unit"] = {"value": entry["Unit"]} if entry.get("Unit") else {"skip": True}
    return row
