"""Prompt grammar in English and Spanish, and left-right mirroring of prompts and metadata.

Word choice is free of other uses of left, right, izquierda and derecha, so that swapping the words mirrors
the meaning.
"""

import copy
import re

EN = {
    "subject": [
        "the building",
        "the apartment building",
        "the old building",
        "the block of flats",
        "the corner building",
        "the tower block",
        "the whole building",
        "the {style} building",
        "the {storeys}-storey building",
        "the {style} block",
        "a {storeys}-storey building",
    ],
    "style": {
        "academic": ["ornate", "French-style", "neoclassical", "old"],
        "balcony": ["balconied", "residential", "modern"],
        "brick": ["brick", "exposed-brick"],
        "office": ["office", "concrete", "modern"],
        "house": ["low", "old", "Italianate"],
        "plain": ["plain", "plastered", "apartment"],
    },
    "do": {
        "down": [
            "collapses straight down",
            "comes down vertically",
            "implodes and falls straight down",
            "is demolished, dropping straight down",
            "falls into its own footprint",
            "collapses vertically",
            "drops straight to the ground",
        ],
        "left": [
            "topples to the left",
            "collapses to the left",
            "falls over to the left",
            "tips over towards the left",
            "leans left and falls",
            "keels over to the left side",
        ],
        "right": [
            "topples to the right",
            "collapses to the right",
            "falls over to the right",
            "tips over towards the right",
            "leans right and falls",
            "keels over to the right side",
        ],
        "forward": [
            "topples forward",
            "falls towards the camera",
            "collapses forward onto the street",
            "tips forward into the street",
            "falls towards us",
            "comes down onto the road in front of it",
        ],
        "pancake": [
            "pancakes, floor after floor",
            "collapses storey by storey from the top",
            "collapses floor by floor",
            "pancakes",
            "fails from the top, each floor crushing the next",
            "comes down in a progressive floor-by-floor collapse",
        ],
        "shear": [
            "loses its {side} corner",
            "shears off on the {side}",
            "has its {side} side break off and slide down",
            "splits, and the {side} part collapses",
            "partially collapses on the {side} side",
        ],
        "facade": [
            "sheds its facade",
            "loses its front wall, opening the rooms",
            "has its facade peel off and fall into the street",
            "drops its facade, exposing the floors inside",
            "has its front fall away",
        ],
        "explosion": [
            "explodes",
            "blows up in a fireball",
            "is torn apart by an explosion",
            "bursts in a violent blast, debris flying",
            "explodes, flinging debris",
            "is hit by a huge explosion",
        ],
        "fire": [
            "is on fire",
            "burns, flames out of the windows",
            "burns, with flames and smoke pouring from the windows",
            "catches fire",
            "goes up in flames",
            "is burning, black smoke rising",
        ],
        "cracks": [
            "cracks",
            "cracks but stays up",
            "shows cracks spreading over its walls",
            "has cracks run across its facade",
            "is cracking, about to fail",
            "develops deep cracks",
        ],
    },
    "scene": {
        "toxic_snow": [
            "toxic snow falls",
            "toxic snow falls on the street",
            "sickly yellow-green snow falls over the city",
            "a deadly snowfall covers the street",
            "phosphorescent toxic snow drifts down",
            "poisonous snow begins to fall",
        ],
        "ash": [
            "ash falls from the sky",
            "volcanic ash rains on the street",
            "grey ash drifts down",
            "ash falls over the city",
            "flakes of ash fill the air",
            "an ash fall covers everything",
        ],
        "nothing": [
            "nothing happens",
            "nothing happens, the building stands",
            "the building stands still",
            "an ordinary street, no destruction",
            "the building remains intact",
            "no change",
            "the street stays calm",
        ],
    },
    "side": {"left": "left", "right": "right"},
    "slow": ["slowly", "in slow motion", "gradually"],
    "fast": ["quickly", "suddenly", "violently", "in an instant"],
    "thin": [
        "little dust",
        "with almost no dust",
        "clear air, rubble visible",
        "a thin haze of dust",
    ],
    "some": ["dust rising", "with dust", "in a cloud of dust", "some dust"],
    "thick": [
        "in a huge cloud of dust",
        "thick dust everywhere",
        "engulfed in dust",
        "a massive dust cloud billows out",
    ],
    "fire": [
        "fire and smoke",
        "with flames in the windows",
        "while it burns",
        "flames and black smoke",
    ],
    "haze": ["hazy air", "thick in the air", "poor visibility"],
    "time": {
        "day": ["daylight", "sunny day", "midday sun", "clear day"],
        "overcast": ["overcast", "grey sky", "cloudy day"],
        "golden": ["golden hour", "low evening sun", "at sunset"],
        "fog": ["fog", "foggy morning", "misty"],
        "dusk": ["dusk", "at twilight", "at dusk"],
        "night": ["night", "at night", "night, street lamps on"],
    },
    "camera": {
        "locked": ["locked-off camera", "static shot", "tripod"],
        "handheld": ["handheld camera", "shaky handheld"],
        "pan": ["slow pan", "panning shot"],
        "dolly": ["dolly shot", "tracking shot"],
        "crane": ["crane shot"],
    },
    "place": ["Buenos Aires", "a street in Buenos Aires", "a city street"],
    "tail": ["photorealistic", "film still", "VFX shot", "cinematic"],
}
ES = {
    "subject": [
        "el edificio",
        "el edificio de departamentos",
        "el edificio viejo",
        "el edificio entero",
        "la torre",
        "el edificio {style}",
        "el edificio de {storeys} pisos",
        "un edificio de {storeys} pisos",
        "el edificio de la esquina",
    ],
    "style": {
        "academic": ["de estilo francés", "neoclásico", "ornamentado"],
        "balcony": ["con balcones", "residencial", "moderno"],
        "brick": ["de ladrillo", "de ladrillo a la vista"],
        "office": ["de oficinas", "de hormigón"],
        "house": ["bajo", "antiguo", "italianizante"],
        "plain": ["sencillo", "revocado"],
    },
    "do": {
        "down": [
            "se derrumba en vertical",
            "se desploma hacia abajo",
            "implosiona y cae sobre sí mismo",
            "es demolido y cae en vertical",
            "se viene abajo en vertical",
            "cae a plomo",
        ],
        "left": [
            "se derrumba hacia la izquierda",
            "cae hacia la izquierda",
            "se inclina a la izquierda y cae",
            "se desploma a la izquierda",
            "se vuelca hacia la izquierda",
        ],
        "right": [
            "se derrumba hacia la derecha",
            "cae hacia la derecha",
            "se inclina a la derecha y cae",
            "se desploma a la derecha",
            "se vuelca hacia la derecha",
        ],
        "forward": [
            "cae hacia adelante",
            "se derrumba sobre la calle",
            "cae hacia la cámara",
            "se vuelca hacia el frente",
            "se desploma hacia nosotros",
        ],
        "pancake": [
            "se derrumba piso por piso",
            "colapsa planta por planta desde arriba",
            "se aplasta piso sobre piso",
            "colapsa en forma progresiva, piso tras piso",
        ],
        "shear": [
            "pierde la parte de la {side}",
            "se quiebra y cae la parte de la {side}",
            "se parte y se desliza el lado de la {side}",
            "se derrumba en parte, a la {side}",
        ],
        "facade": [
            "pierde la fachada",
            "pierde el frente y quedan los cuartos a la vista",
            "suelta la fachada sobre la calle",
            "se queda sin frente",
        ],
        "explosion": [
            "explota",
            "explota en una bola de fuego",
            "vuela en pedazos",
            "estalla y lanza escombros",
            "sufre una explosión enorme",
        ],
        "fire": [
            "se incendia",
            "arde, con llamas en las ventanas",
            "está en llamas",
            "se quema y echa humo negro",
            "arde",
        ],
        "cracks": [
            "se agrieta",
            "se llena de grietas",
            "se agrieta pero queda en pie",
            "se raja, a punto de caer",
            "muestra grietas que se extienden",
        ],
    },
    "scene": {
        "toxic_snow": [
            "cae nieve tóxica",
            "cae nieve tóxica sobre la calle",
            "una nevada mortal cubre la calle",
            "nieve venenosa amarillenta cae sobre la ciudad",
            "empieza a caer nieve tóxica",
        ],
        "ash": [
            "cae ceniza del cielo",
            "llueve ceniza sobre la calle",
            "ceniza volcánica cae sobre la ciudad",
            "cae ceniza gris",
            "la ceniza lo cubre todo",
        ],
        "nothing": [
            "no pasa nada",
            "no pasa nada, el edificio sigue en pie",
            "el edificio queda intacto",
            "una calle común, sin destrucción",
            "todo sigue igual",
        ],
    },
    "side": {"left": "izquierda", "right": "derecha"},
    "slow": ["lentamente", "despacio", "en cámara lenta"],
    "fast": ["de golpe", "rápidamente", "con violencia", "en un instante"],
    "thin": ["poco polvo", "casi sin polvo", "aire limpio, escombros a la vista"],
    "some": ["con polvo", "levanta polvo", "en una nube de polvo"],
    "thick": ["en una enorme nube de polvo", "polvo espeso por todas partes", "envuelto en polvo"],
    "fire": [
        "con fuego y humo",
        "con llamas en las ventanas",
        "mientras arde",
        "llamas y humo negro",
    ],
    "haze": ["aire turbio", "poca visibilidad", "densa en el aire"],
    "time": {
        "day": ["de día", "día soleado", "sol de mediodía"],
        "overcast": ["nublado", "cielo gris"],
        "golden": ["hora dorada", "sol bajo de la tarde", "al atardecer"],
        "fog": ["niebla", "mañana de niebla"],
        "dusk": ["crepúsculo", "al anochecer"],
        "night": ["de noche", "noche, faroles encendidos"],
    },
    "camera": {
        "locked": ["cámara fija", "plano fijo"],
        "handheld": ["cámara en mano"],
        "pan": ["paneo lento"],
        "dolly": ["travelling"],
        "crane": ["plano con grúa"],
    },
    "place": ["Buenos Aires", "una calle de Buenos Aires", "una calle de la ciudad"],
    "tail": ["fotorrealista", "efectos visuales", "cinematográfico"],
}
SETTLED = ("toxic_snow", "ash", "nothing")
MIRROR = {"left": "right", "right": "left", "izquierda": "derecha", "derecha": "izquierda"}


def _sentence(words, meta, rng, full):
    pick = lambda options: options[rng.integers(len(options))]
    kind = meta["kind"]
    if kind in SETTLED:
        parts = [pick(words["scene"][kind])]
    else:
        action = pick(words["do"][kind])
        subject = pick(words["subject"])
        style = pick(words["style"][meta["building"]["style"]])
        if meta["direction"] in words["side"]:
            action = action.replace("{side}", words["side"][meta["direction"]])
        elif "{side}" in action:
            raise ValueError(f"{kind} has no side")
        subject = subject.replace("{style}", style).replace(
            "{storeys}", str(meta["building"]["floors"])
        )
        speed = meta.get("speed", "normal")
        if speed != "normal" and kind not in ("fire", "cracks"):
            action += (", " if "," in action else " ") + pick(words[speed])
        parts = [f"{subject} {action}"]
    extra = []
    if kind not in SETTLED + ("fire", "cracks"):
        level = "thin" if meta["dust"] < 0.2 else "some" if meta["dust"] < 0.5 else "thick"
        if level != "some" or full or rng.random() < 0.6:  # what is not said is some dust
            extra.append(pick(words[level]))
    if kind in ("toxic_snow", "ash") and meta["dust"] > 0.5 and rng.random() < 0.5:
        extra.append(pick(words["haze"]))
    if meta["fire"] and kind not in ("fire", "explosion") and (full or rng.random() < 0.7):
        extra.append(pick(words["fire"]))
    if full or rng.random() < 0.35:
        extra.append(pick(words["time"][meta["time_of_day"]]))
    if full and rng.random() < 0.5:
        extra.append(pick(words["camera"][meta["camera"]]))
    if rng.random() < (0.4 if full else 0.12):
        extra.append(pick(words["place"]))
    if rng.random() < (0.3 if full else 0.08):
        extra.append(pick(words["tail"]))
    return re.sub(r"\ba (8|11)-", r"an \1-", ", ".join(parts + extra))


def makePrompts(meta, rng):
    """{"en": [...], "es": [...]}: short and full paraphrases, without duplicates."""
    result = {}
    for language, words, count in (("en", EN, 5), ("es", ES, 3)):
        texts = [_sentence(words, meta, rng, k % 2 == 1) for k in range(count)]
        result[language] = list(dict.fromkeys(texts))
    return result


def mirror_prompt(text):
    """The prompt of the same clip flipped left to right, in either language."""

    def swap(match):
        word = match.group(0)
        other = MIRROR[word.lower()]
        return other.capitalize() if word[0].isupper() else other

    return re.sub(r"\b(left|right|izquierda|derecha)\b", swap, text, flags=re.IGNORECASE)


def mirror_meta(meta):
    """A copy of a clip's meta for the clip flipped left to right: direction and all prompts."""
    flipped = copy.deepcopy(meta)
    flipped["direction"] = MIRROR.get(meta["direction"], meta["direction"])
    if meta["kind"] in ("left", "right"):
        flipped["kind"] = MIRROR[meta["kind"]]
    flipped["prompts"] = {k: [mirror_prompt(t) for t in v] for k, v in meta["prompts"].items()}
    return flipped
