"""Text that speaks to a language model instead of to a reader: a short list of patterns.

A tripwire, no wall: it knows the common forms in eight languages and stays silent on the safety
notes of manuals ("ignoring these instructions ..."). Pure functions; `suspicion` makes flags.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MAX_HITS = 20
"""Of one text."""
LONGEST = 25
"""Words of a sentence behind a match."""

_OTHERS = (
    r"(?:all|any|every|the|these|those|of|your|my|our|previous(?:ly)?|prior|above|preceding|"
    r"earlier|given|former|existing|original|system|safety|other)"
)
_AI = (
    r"(?:an? )?(?:helpful |large |smart )?"
    r"(?:ai\b|a\.i\.|chatgpt|gpt-?\d|llm\b|language model|chat ?bot|(?:ai |virtual )assistant)"
)
_PATTERNS: tuple[tuple[str, str], ...] = (
    (
        "ignore ;disregard ;forget ;override ;bypass ",
        (
            rf"\b(?:ignore|disregard|forget|override|bypass) (?:{_OTHERS} )*"
            r"(?:previous|prior|above|preceding|earlier|former|original|system|your) "
            rf"(?:{_OTHERS} )*"
            r"(?:instructions?|prompts?|rules|guidelines|directions|messages?|orders)"
        ),
    ),
    (
        "ignore ;disregard ;forget ",
        (
            r"\b(?:ignore|disregard|forget) (?:all|everything) (?:of )?"
            r"(?:the )?(?:above|before|previous|prior)\b"
        ),
    ),
    ("you are ", rf"\byou are (?:now |actually )?(?:{_AI}|an assistant|a helpful assistant)"),
    ("as an ai;as a l", r"\bas (?:an ai|a (?:large )?language model)\b"),
    (
        " to ai; for ai;e ai;y ai;l ai;n ai;a.i.;gpt;llm;language model;chatbot;chat bot;assistant",
        (
            r"\b(?:note|notes|message|attention|instructions?|important|warning) (?:to|for) "
            rf"(?:any |all |the |every )?{_AI}"
        ),
    ),
    (
        "dear ;attention;hello;hey",
        r"\b(?:dear|attention|hello|hey),? (?:ai|llm|language model|chat ?bot|chatgpt)\b",
    ),
    (
        "instruction;prompt",
        r"\b(?:new|updated|hidden|secret|system|real) (?:instructions?|prompt) ?:",
    ),
    ("your prompt;system prompt", r"\byour (?:system )?prompt\b|\bsystem prompt\b"),
    (
        "submit_record;view_page;tool_use;tool_result;function_call",
        r"\b(?:submit_record|view_page|tool_use|tool_result|function_call)\b",
    ),
    (
        "system>;assistant>;document>;instruction>;instructions>;tool_",
        r"</?(?:system|assistant|document|instructions?|tool_\w{1,20})>",
    ),
    (
        "inst];<<sys;<|",
        r"\[/?inst\]|<<sys>>|<\|(?:im_start|im_end|system|user|assistant|endoftext|eot_id)\|",
    ),
    # German
    (
        "ignorier;missacht;vergiss;vergess",
        (
            r"\b(?:ignorier(?:e|t|en sie)|missachte(?:t|n sie)?|vergiss|vergessen sie|vergesst) "
            r"(?:bitte |nun |jetzt )?(?:alle |die |s[äa]mtliche )*"
            r"(?:vorherigen?|bisherigen?|vorigen?|obigen?|fr[üu]heren?|deine|ihre|alle) "
            r"(?:\w+ )?(?:anweisung|instruktion|vorgabe|befehl|prompt)"
        ),
    ),
    (
        "du bist ;sie sind ",
        (
            r"\b(?:du bist|sie sind) (?:jetzt |nun )?(?:eine? )?"
            r"(?:ki\b|ki-|sprachmodell|k[üu]nstliche intelligenz)"
        ),
    ),
    # French
    (
        "ignore;oublie;pas compte",
        (
            r"\b(?:ignore[rz]?|oublie[rz]?|ne tene[rz] pas compte (?:de|des)) "
            r"(?:toutes? |les |vos |tes |ces |des )*(?:instructions|consignes|directives) "
            r"(?:pr[ée]c[ée]dentes|ant[ée]rieures|ci-dessus|du syst[èe]me)"
        ),
    ),
    (
        "tu es ;vous êtes ;vous etes ",
        (
            r"\b(?:tu es|vous [êe]tes) (?:maintenant )?(?:une? )?"
            r"(?:ia\b|intelligence artificielle|mod[èe]le de langage)"
        ),
    ),
    # Spanish, Portuguese, Italian
    (
        "ignor;olvid;esque;dimentica;caso omiso",
        (
            r"\b(?:ignor[ae]r?|olvid[ae]r?|esque[çc]a|dimentica|haga caso omiso de) "
            r"(?:tutte |todas |todos |as |las |los |le |tus |sus |tue |sue |suas )*"
            r"(?:instrucciones|indicaciones|instru[çc][õo]es|istruzioni) "
            r"(?:anteriores|previas|pr[ée]vias|precedenti|de arriba)"
        ),
    ),
    (
        "eres ;usted es ;sei ;você é ;voce e ",
        (
            r"\b(?:eres|usted es|sei|voc[êe] [ée]) (?:ahora |ora |agora )?(?:un[ao]? |uma? )?"
            r"(?:ia\b|inteligencia artificial|modelo de lenguaje|modello linguistico|"
            r"modelo de linguagem)"
        ),
    ),
    # Dutch, Russian
    (
        "negeer ",
        r"\bnegeer (?:alle |de )*(?:vorige|eerdere|bovenstaande) (?:instructies|opdrachten)",
    ),
    (
        "игнорируй;забудь",
        (
            r"\b(?:игнорируй(?:те)?|забудь(?:те)?) (?:все )?"
            r"(?:предыдущие|прежние|прошлые) (?:инструкции|указания|команды)"
        ),
    ),
    # Chinese, Japanese
    ("忽略;无视;忘记", r"(?:忽略|无视|忘记)[^。]{0,12}(?:指令|指示|提示词|说明)"),
    ("人工智能;语言模型", r"你(?:现在)?是(?:一个)?(?:人工智能|语言模型|大语言模型)"),
    (
        "無視;忘れ",
        r"(?:以前|これまで|上記|前)の(?:指示|命令|プロンプト)[^。]{0,4}(?:無視|忘れ)",
    ),
)
"""Words one of which every match holds, divided by `;`, and the pattern itself: to look for the
words takes no time, to compile patterns more than to read a page."""
_ANY = frozenset(hint for hints, _ in _PATTERNS for hint in hints.split(";") if hint)
_UNSEEN = dict.fromkeys(
    (0xAD, *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2070), 0xFEFF)
)
_SMUGGLED = {0xE0000 + code: chr(code) for code in range(0x20, 0x7F)}


def addressed(words: Sequence[str]) -> Iterator[tuple[int, int]]:
    """First and last index of the words of each passage that speaks to a model."""
    plain = [_plain(word) for word in words]
    text = " ".join(plain)
    hit = {hint for hint in _ANY if hint in text}
    if not hit:
        return
    starts: list[int] = []
    length = 0
    for word in plain:
        starts.append(length)
        length += len(word) + 1
    import re
    from bisect import bisect_right

    spans: list[tuple[int, int]] = []
    for hints, pattern in _PATTERNS:
        if hit.isdisjoint(hints.split(";")):
            continue
        for match in re.finditer(pattern, text):
            last = bisect_right(starts, match.end() - 1) - 1
            spans.append((bisect_right(starts, match.start()) - 1, _sentence_end(words, last)))
            if len(spans) >= MAX_HITS:
                break
    yield from _merged(sorted(spans))


def _merged(spans: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Passages that overlap as one."""
    current: tuple[int, int] | None = None
    for first, last in spans:
        if current is not None and first <= current[1]:
            current = (current[0], max(current[1], last))
            continue
        if current is not None:
            yield current
        current = (first, last)
    if current is not None:
        yield current


def _sentence_end(words: Sequence[str], last: int) -> int:
    """Where the sentence ends that a match stands in: what it asks for comes last."""
    for index in range(last, min(last + LONGEST, len(words))):
        if words[index][-1:] in ".!?。！？":
            return index
    return min(last + LONGEST, len(words)) - 1


def _plain(word: str) -> str:
    """Lower case, without characters that show nothing."""
    if word.isascii():
        return word.lower()
    return word.translate(_SMUGGLED).translate(_UNSEEN).lower()
