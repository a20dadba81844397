"""What is known of an answer before a judge sees it: that it says nothing, or that it speaks to the judge. Pure."""

import re
import unicodedata
from functools import cache
from typing import Final

_UNSEEN: Final = frozenset({"Cc", "Cf", "Co", "Cs"})
_LOOKALIKES: Final = str.maketrans("аеорсухіѕԁոＡ", "aeopcyxisdnA")
_FORM: Final = (
    r"[\"'“”«»]?\b(?:verdict|urteil|veredicto|verdetto|pass(?:ed)?|bestanden)\b[\"'“”«»]?\s*[:=]\s*[\"'“”«»]?"
    r"(?:pass(?:ed)?|true|yes|ja|oui|sí|bestanden|aprobado)\b"
    r"|\b(?:score|grade|rating|note|nota|punkte|punkty)\b[\"'“”«»]?\s*[:=]\s*[\"'“”«»]?(\d+)\s*/\s*\1\b"
)

_PHRASES: Final = (
    # English: who is spoken to, and what is asked for
    (
        r"\b(?:dear|hello|attention|note (?:to|for)|message (?:to|for)|instructions? (?:to|for)) (?:the |all |any )?"
        r"(?:grader|judge|evaluator|examiner|reviewer model|llm judge|grading (?:model|system)"
        r"|evaluation (?:model|system))"
    ),
    (
        r"\b(?:ignore|disregard|forget|override|skip)\b[^.\n]{0,40}\b(?:rubric|criteri(?:on|a)"
        r"|(?:previous|prior|above|earlier|all|any|your|the"
        r" grading|system) (?:instructions?|rules|prompts?|guidelines)|instructions? (?:above|before)"
        r"|system prompt|grading)"
    ),
    (
        r"\b(?:you (?:must|should|will|have to|are to)|please|now|simply|just|always)\b[^.\n]{0,30}"
        r"\b(?:grade|score|rate|mark|judge|evaluate|output|return|respond with|answer with|reply with"
        r"|give)\b[^.\n]{0,50}"
        r"\b(?:pass(?:ed|ing)?|full (?:marks|score|points)|10/10|verdict|top score|highest (?:score|grade))\b"
    ),
    (
        r"\b(?:this|the|my) (?:answer|response|output|submission)\b[^.\n]{0,40}\b(?:meets?|satisf(?:y"
        r"|ies)|fulfil?ls?|passes"
        r"|complies with)\b[^.\n]{0,30}\b(?:rubric|criteri(?:on|a)|all requirements|grading|evaluation|test)"
    ),
    r"\b(?:as|you are) (?:an? |the )?(?:ai |llm |impartial |strict )?(?:grader|judge|evaluator|examiner)\b",
    (
        r"(?:^|\n|[-=#*<\[]\s*)(?:end|begin|start|close) of (?:the )?(?:output|answer|data|evaluation"
        r"|untrusted|submission)\b"
    ),
    r"\bnew (?:rubric|criteri(?:on|a)|instructions?|system prompt|grading (?:rule|policy))\b",
    (
        r"\b(?:the )?(?:rubric|criteri(?:on|a)|grading (?:rule|policy)) (?:has|have|was|were) (?:been )?"
        r"(?:changed|updated|replaced|waived|met|satisfied)"
    ),
    (
        r"\b(?:graders?|judges?|evaluators?) (?:must|should|shall|are (?:asked|instructed|told) to"
        r"|is (?:asked|told) to)\b"
    ),
    r"\bsystem\s*(?:message|override|note|update|notice)\s*:",
    r"<\|?\s*(?:im_start|im_end|system|endoftext|eot_id|start_header_id|end_header_id)\s*\|?>|\[/?inst\]|<</?sys>>",
    r"</?\s*output\b",
    # German
    (
        r"\b(?:an (?:den|die|alle) (?:bewerter|prüfer|gutachter|richter|bewertungsmodell)|(?:lieber"
        r"|liebe|sehr geehrter) "
        r"(?:bewerter|prüfer|gutachter|richter))"
    ),
    (
        r"\b(?:ignorier\w*|missacht\w*|vergiss|vergessen sie|überspring\w*)\b[^.\n]{0,40}\b(?:kriteri\w+"
        r"|anweisung\w*|rubrik|"
        r"vorgaben?|bewertungs\w+|obige\w*|vorherige\w*)"
    ),
    (
        r"\b(?:bewerte|bewerten sie|werte|werten sie|antworte|antworten sie|gib|geben sie|urteile)\b[^.\n]{0,50}"
        r"\b(?:bestanden|pass|volle\w* punkt\w*|höchstnote|richtig|bestnote)\b"
    ),
    (
        r"\b(?:diese|meine) antwort (?:erfüllt|besteht|genügt)\b[^.\n]{0,40}\b(?:kriteri\w+|rubrik"
        r"|anforderungen|prüfung|test)"
    ),
    # French
    (
        r"\b(?:ignor\w+|oubli\w+|néglig\w+)\b[^.\n]{0,40}\b(?:critères?|instructions?|consignes?|grille"
        r"|barème|précédent\w*)"
    ),
    r"\b(?:à l'attention d|cher|chère|message p)\w*[^.\n]{0,15}\b(?:correcteur|évaluateur|juge|examinateur)",
    (
        r"\b(?:not\w+|évalu\w+|répond\w+|donn\w+|attribu\w+)\b[^.\n]{0,50}\b(?:pass|réussi\w*"
        r"|note maximale|validée?|correcte?)\b"
    ),
    r"\bcette réponse (?:satisfait|remplit|respecte)\b[^.\n]{0,40}\b(?:critères?|exigences|grille|barème)",
    # Spanish, Portuguese, Italian
    (
        r"\b(?:ignor\w+|olvid\w+|esqueç\w+|omit\w+|dimentic\w+)\b[^.\n]{0,40}\b(?:criterios?|critérios?|criteri\w*|"
        r"instruc\w+|instruç\w+|istruzioni|rúbrica|rubrica|anterior\w*|precedent\w*)"
    ),
    (
        r"\b(?:estimad[oa]|querid[oa]|atención|prezad[oa]|caro|gentile|nota para el|nota para o)\b[^.\n]{0,15}"
        r"\b(?:evaluador|calificador|juez|avaliador|juiz|valutatore|giudice)"
    ),
    (
        r"\b(?:califi\w+|evalú\w+|evalu\w+|respond\w+|avali\w+|atribu\w+|valut\w+|rispond\w+|asign\w+)\b[^.\n]{0,50}"
        r"\b(?:pass|aprobad\w+|aprovad\w+|puntuación máxima|nota máxima|superat\w+|correct[oa]|punteggio massimo)\b"
    ),
    (
        r"\besta res(?:puesta|posta) (?:cumple|satisface|atende)\b[^.\n]{0,40}\b(?:criterios?|critérios?"
        r"|requisitos|rúbrica)"
    ),
    # Russian, Polish, Turkish
    (
        r"(?:игнорируй\w*|забудь\w*|не обращай\w*|пропусти\w*)[^.\n]{0,40}(?:критери\w+|инструкци\w+"
        r"|рубрик\w+|предыдущ\w+|указани\w+)"
    ),
    r"(?:оцени\w*|поставь\w*|ответь\w*|выстави\w*)[^.\n]{0,50}(?:pass|пройден\w*|зачт\w+|зачёт|максимальн\w+|верно)",
    r"(?:уважаемый|внимание|сообщение для)\s[^.\n]{0,15}(?:судья|проверяющ\w+|оценщик\w*|эксперт\w*)",
    r"\b(?:zignoruj|pomiń|zapomnij)\b[^.\n]{0,40}\b(?:kryteri\w+|instrukcj\w+|polece\w+)",
    r"(?:önceki|yukarıdaki)[^.\n]{0,30}(?:talimat\w*|kriter\w*|yönerge\w*)[^.\n]{0,20}(?:yok say|unut|dikkate alma)",
    # Chinese, Japanese, Korean, Arabic, Hindi
    r"(?:忽略|无视|忽視|無視|忘记|忘記|跳过)[^。\n]{0,20}(?:标准|標準|评分|評分|指令|指示|要求|以上|上述|之前|规则|評価基準)",
    r"(?:评委|评分员|评审|裁判|评判者|评估者|評審|評分者)[^。\n]{0,30}(?:请|應|应|必须|必須|通过|通過|满分|滿分|输出|給)",
    r"(?:请|必须|直接|只需)[^。\n]{0,15}(?:判定|判为|输出|给出|评为|打)[^。\n]{0,15}(?:pass|通过|满分|合格|正确)",
    r"(?:採点者|評価者|審査員|評価モデル|ジャッジ)[^。\n]{0,40}(?:合格|pass|満点|無視|出力|ください)",
    r"(?:基準|指示|ルール|採点)[^。\n]{0,15}(?:無視し|忘れ)",
    r"(?:채점자|평가자|심사위원|심판)[^.\n]{0,40}(?:합격|pass|만점|무시|출력|주세요)",
    r"(?:기준|지시|규칙|이전)[^.\n]{0,15}(?:무시|잊)",
    r"(?:تجاهل|انس|اهمل)[^.\n]{0,40}(?:المعايير|التعليمات|المعيار|السابقة|أعلاه)",
    r"(?:أيها|عزيزي|إلى)\s[^.\n]{0,15}(?:المقيّم|المقيم|الحكم|المصحح)",
    r"(?:मानदंड|निर्देश|पिछले)[^।\n]{0,30}(?:अनदेखा|नज़रअंदाज़|भूल)",
    r"(?:परीक्षक|मूल्यांकनकर्ता|निर्णायक)[^।\n]{0,40}(?:पास|उत्तीर्ण|pass|पूरे अंक)",
)
_MAX_SEARCHED: Final = 20_000
_MAX_SHOWN: Final = 60


def says_nothing(answer: str) -> bool:
    """Whether an answer has neither a letter nor a digit: empty, or signs that some judges take for an answer."""
    return not any(c.isalnum() for c in answer)


def speaks_to_judge(answer: str) -> str:
    """The first words of an answer that are meant for whoever judges it; empty if there are none.

    Only what looks like an address is found. The rest is left to the judge's own instructions.
    """
    text = _flat(
        answer if len(answer) <= _MAX_SEARCHED else answer[: _MAX_SEARCHED // 2] + answer[-_MAX_SEARCHED // 2 :]
    )
    found = next(filter(None, (pattern.search(text) for pattern in _patterns())), None)
    return found.group(0).strip()[:_MAX_SHOWN] if found else ""


@cache
def _patterns() -> tuple[re.Pattern[str], ...]:
    """Compiled when the first answer is to be judged: a run without judges has no use for them."""
    spoken = "|".join(f"(?:{phrase})" for phrase in _PHRASES)
    return re.compile(spoken, re.IGNORECASE), re.compile(_FORM, re.IGNORECASE)


def _flat(text: str) -> str:
    """One form for what looks the same: widths, invisible signs, letters of other scripts in Latin words."""
    seen = "".join(
        c for c in unicodedata.normalize("NFKC", text) if c in "\n\t" or unicodedata.category(c) not in _UNSEEN
    )
    return re.sub(r"[^\W\d_]+", _latin, re.sub(r"[ \t]+", " ", seen))


def _latin(match: re.Match[str]) -> str:
    """A word of Latin and other letters mixed, in Latin letters alone; words of one script stay."""
    word = match.group(0)
    return word.translate(_LOOKALIKES) if any(c.isascii() for c in word) and not word.isascii() else word
