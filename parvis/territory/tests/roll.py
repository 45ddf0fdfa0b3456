"""An assessment roll as the ministry publishes it, small."""

from __future__ import annotations


def unit(
    number: int,
    kind: str,
    link: str,
    name: str,
    *,
    cardinal: str = "",
    high: int = 0,
    flat: str = "",
    matricule: str = "0568979054",
    dwellings: int = 1,
    vacant: bool = False,
) -> str:
    tags = {"A": "" if vacant else number, "C": high or "", "E": kind, "F": link, "G": name,
            "H": cardinal, "I": flat}  # fmt: skip
    inner = "".join(f"<RL0101{t}x>{v}</RL0101{t}x>" for t, v in tags.items() if v != "")
    house = "" if vacant else f"<RL0306A>1</RL0306A><RL0311A>{dwellings}</RL0311A>"
    return (
        f"<RLUEx><RL0101><RL0101x>{inner}</RL0101x></RL0101>"
        "<RL0103><RL0103x><RL0103Ax>1 234 567</RL0103Ax></RL0103x></RL0103>"
        f"<RL0104><RL0104A>{matricule[:4]}</RL0104A><RL0104B>{matricule[4:6]}</RL0104B>"
        f"<RL0104C>{matricule[6:10]}</RL0104C></RL0104>"
        f"<RL0105A>{9100 if vacant else 1000}</RL0105A>"
        "<RL0201><RL0201x><RL0201Gx>2004-05-01</RL0201Gx><RL0201Hx>1</RL0201Hx></RL0201x></RL0201>"
        f"<RL0302A>557.40</RL0302A>{house}<RL0402A>61000</RL0402A><RL0404A>214300</RL0404A>"
        "</RLUEx>\n"
    )


def roll(*units: str, code: str = "93042") -> str:
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<RL><VERSION>2.9</VERSION>'
        f"<RLM01A>{code}</RLM01A><RLM02A>2026</RLM02A>\n{''.join(units)}</RL>\n"
    )
