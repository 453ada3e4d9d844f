"""Makes the companies that the demo imports, always the same ones: the text of sample_companies.jsonl."""

import json
import random
import unicodedata
import uuid
from typing import Any

COMPANIES = 120

_words = str.split
_PLACES = _words("""Aalborg Bergen Córdoba Dunedin Évora Faro Gdańsk Hamar Ibiza Jyväskylä Kraków Lund Møn Niš Olomouc
Porto Québec Riga Šibenik Tromsø Uppsala Varna Würzburg Xalapa Yozgat Zürich""")
_TRADES = _words("""Analytics Bakery Ceramics Dairy Energy Foundry Glass Harbour Instruments Joinery Kitchens Logistics
Marine Networks Optics Paper Quarry Robotics Shipping Textiles Utilities Vineyards Water Yarns""")
_FORMS = ("AG", "& Sons", "Ltd", "S.A.", "A/S", "Cooperative", "GmbH")
_FIRST = _words("""Ada Bartosz Chloë Dmitri Elif Françoise Göran Hana Ines Jörg Kofi Lucía Mei Noor Oluwaseun Pádraig
Quinn Rosa Søren Tomáš Ursula Vikram Wanjiru Ximena Yūki Zoë""")
_LAST = _words("""Almeida Bakker Castañeda Dąbrowski Eriksen Fischer García Horváth Ivanova Jensen Kovačević Lindqvist
Moreau Nakamura Okafor Petrov Quist Ramírez Šimek Tanaka Ünal Virtanen Weiß Xu Yildiz Žukas""")
_ACTIVE = 0.9  # of the companies; the others stay registered
_NAMESPACE = uuid.UUID("6f2f3f7e-5f0b-5c3e-9d55-1c8f2a6b7d10")


def companies() -> list[dict[str, Any]]:
    """One dict a company, as a line of an import file has it."""
    chance = random.Random(20_261)  # noqa: S311 - a sample, not a secret
    names = [f"{place} {trade}" for place in _PLACES for trade in _TRADES]
    chance.shuffle(names)
    return [_company(chance, f"{name} {chance.choice(_FORMS)}") for name in names[:COMPANIES]]


def _company(chance: random.Random, name: str) -> dict[str, Any]:
    people = [f"{first} {last}" for first in _FIRST for last in _LAST]
    chosen = chance.sample(people, k=min(40, 2 + int(chance.expovariate(1 / 11))))
    domain = f"{_letters(name).replace(' ', '-')}.example"
    return {
        "company": name,
        "id": str(uuid.uuid5(_NAMESPACE, name)),
        "seat_limit": max(5, 5 * (len(chosen) // 4 + 1)),
        "status": "active" if chance.random() < _ACTIVE else "registered",
        "users": [_user(chance, person, domain, place) for place, person in enumerate(chosen)],
    }


def _user(chance: random.Random, full_name: str, domain: str, place: int) -> dict[str, str]:
    email = f"{_letters(full_name).replace(' ', '.')}@{domain}"
    role = "owner" if place == 0 else chance.choices(("owner", "admin", "member"), (1, 3, 16))[0]
    return {"id": str(uuid.uuid5(_NAMESPACE, email)), "email": email, "full_name": full_name, "role": role}


def _letters(text: str) -> str:
    plain = text.replace("ø", "o").replace("ß", "ss")
    kept = "".join(
        one for one in unicodedata.normalize("NFKD", plain) if one.isascii() and (one.isalnum() or one == " ")
    )
    return " ".join(kept.lower().split())


def lines() -> str:
    """The whole file."""
    return "".join(json.dumps(company, ensure_ascii=False) + "\n" for company in companies())


if __name__ == "__main__":
    print(lines(), end="")
