"""How answers refuse, in fifteen languages: patterns of a refusal's own words. It judges nothing. Pure.

A pattern stays within one clause (`~` stands for a short gap without punctuation), so that a sentence about somebody
who cannot do something is none. A language is searched for only where one of its hints stands.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

_GAP: Final = r"[^.,;:!?()\n。，！？、؛،।]{0,40}?"


@dataclass(frozen=True, slots=True)
class Words:
    """One language: hints in lower case, one of which every refusal has, and the pattern of all its refusals."""

    hints: tuple[str, ...]
    pattern: re.Pattern[str]


def _words(hints: str, *patterns: str) -> Words:
    joined = "|".join(patterns).replace("~", _GAP)
    return Words(hints=tuple(hints.split("|")), pattern=re.compile(joined))


_EN_ADVERB: Final = (
    r"(?:\s(?:really|currently|actually|directly|personally|legally|ethically|knowingly|therefore|also|just|simply"
    r"|possibly|responsibly|unfortunately|either|in good conscience)){0,2}"
)
_EN_VERB: Final = (
    r"(?:assist|provide|comply|fulfil|answer|share|give(?! up)|create|write|generate|produce|discuss|engage|support"
    r"|offer|participate|do (?:that|this|it|so)"
    r"|tell(?! you how (?:happy|glad|much|sorry|excited|grateful))|show|explain|describe|recommend(?!~(?:enough"
    r"|highly))|suggest|advise|access|browse|view|complete|carry|process"
    r"|respond|continue|translate|summari[sz]e|draft|role-?play|pretend|impersonate|disclose|reveal|speculate"
    r"|predict|diagnose|comment|facilitate|condone|encourage"
    r"|teach|walk you|guide|look up|check|perform|cover|repeat|make (?:that|this|such|any)|be able to|be used"
    r"|proceed|go into|get into|talk about|take part|instruct|output|print|say(?! (?:enough|for (?:sure|certain)))"
    r"|help(?=\s*(?:$|[.,;!:—–-]|you\b|with\b|in (?:this|that)\b|on (?:this|that)\b|that\b|anyone|people|them"
    r"|someone|here|out)))"
)
_EN_NOT: Final = (
    r"(?:can ?not|can't|won't|will not|(?:'m| am) (?:unable|not able|not going|not allowed|not permitted"
    r"|not authori[sz]ed|not willing|not in a position) to"
    r"|(?:'m| am) not comfortable(?: with)?|(?:don't|do not) feel (?:comfortable|able to)|(?:'m"
    r"| am) afraid i (?:can't|cannot|can not|won't))"
)

WORDS: Final[Mapping[str, Words]] = {
    "en": _words(
        "can't|cannot|can not|unable|not able|won't|will not|declin|refuse|not going|not allowed|not permitted"
        "|not authori|comfortable|not something|guidelines|policies"
        "|policy|access|programmed|designed|trained|rather not|my apologies|sorry|apologi|talk about|blocked|flagged"
        "|not willing|not in a position|my instructions",
        rf"\b(?:i|we)\s?{_EN_NOT}{_EN_ADVERB}\s{_EN_VERB}",
        r"\b(?:i|we) (?:can ?not|can't|won't|will not)(?: (?:do|help with))?(?: (?:that|this|it"
        r"|so))?(?:\s[^\s.!,]{1,9})?\s*(?:[.!—]|$)",
        r"\b(?:i|we) (?:must|have to|need to|will have to|will|'ll have to|am going to have to"
        r"|shall)?\s?(?:respectfully |politely |firmly )?(?:decline|refuse)\b(?! (?:if|when|the offer))",
        r"\bi(?:'m| am) (?:going to )?(?:declining|refusing)\b|\bi(?:'d| would) (?:rather|prefer) not\b",
        r"\b(?:that|this|it)(?:'s| is)(?: simply| just)? not something (?:that )?(?:i|we)(?:'m| am|'re| are| can"
        r"| will|'ll)\b",
        r"\bi (?:don't|do not)(?: currently)? have (?:the ability|(?:direct )?access to (?:real|live|your|current"
        r"|external|the internet|personal|private)|permission)",
        r"\b(?:that|this|it|which|so|request|doing so)(?: \w+){0,3} (?:against|violates?|contrary to|conflicts? with"
        r"|outside) (?:of )?(?:my|our) (?:\w+ ){0,2}"
        r"(?:guidelines|polic|programming|principles|values|rules|scope)",
        r"\bmy (?:\w+ )?(?:guidelines|programming|instructions|polic\w+|training) (?:do not|don't|prevents?"
        r"|prohibits?|forbids?|doesn't|does not)",
        r"\bi(?:'m| am) (?:designed|programmed|trained) (?:not to|to (?:avoid|decline|refuse))",
        r"^(?:sorry,? |no[,.] )?(?:unable|not able|can't|cannot) (?:to )?(?:help|assist|comply)\b(?! but)",
        r"\b(?:let's|let us|can we|could we) (?:please )?(?:talk about|discuss|chat about) something else",
        r"\b(?:request|prompt|response|message|output) (?:was|has been|is) (?:blocked|flagged|filtered|rejected"
        r"|declined) (?:by|due|because|under)",
        r"^(?:i(?:'m| am) (?:very |so |really )?sorry|sorry(?: about that)?|my apologies|i apologi[sz]e)\s*[.!]*$",
    ),
    "de": _words(
        "nicht|kein|ablehn|weiger|verstößt|widerspricht|tut mir leid",
        r"\b(?:ich|wir) (?:kann|darf|möchte|werde|will|könnte|können|dürfen|werden)\b~\b(?:nicht"
        r"|kein\w*)\b~(?:helfen|beantworten|unterstützen|geben|erstellen|schreiben"
        r"|bereitstellen|liefern|nachkommen|erfüllen|sagen|teilen|anbieten|verfassen|generieren|erklären|besprechen"
        r"|machen|tun|durchführen|mitteilen|empfehlen|dienen"
        r"|leisten|zugreifen|antworten|mitwirken|ausführen|nennen|eingehen)\b",
        r"\b(?:kann|darf|möchte|werde|können|dürfen) (?:ich|wir)\b~\b(?:nicht|kein\w*)\b~(?:helfen|beantworten"
        r"|unterstützen|geben|erstellen|schreiben|bereitstellen|liefern"
        r"|nachkommen|erfüllen|sagen|teilen|anbieten|verfassen|erklären|tun|durchführen|mitteilen|antworten|nennen"
        r"|eingehen|behilflich)\b",
        r"\b(?:ich|wir) (?:bin|sind)\b~nicht (?:in der lage|befugt|berechtigt|dafür ausgelegt|darauf programmiert)"
        r"|(?:ist|war) (?:es )?mir (?:leider )?nicht (?:möglich|erlaubt|gestattet)",
        r"\b(?:muss|müssen) (?:ich|wir)\b~(?:ablehnen|verweigern)|\bich (?:muss|müsste)\b~(?:ablehnen|verweigern)"
        r"|\bich (?:lehne|weigere)\b",
        r"(?:verstößt|verstoßen|verstoßt)~(?:gegen meine|gegen unsere)|widerspricht (?:meinen|unseren)",
        r"tut mir (?:sehr )?leid,?(?: aber)? (?:das|dabei|dazu|damit|hierbei) (?:kann|darf|geht)~nicht",
        r"^(?:es )?tut mir (?:sehr |wirklich )?leid[.!]*$|^nein, das (?:kann|darf|mache|werde) ich nicht\b",
    ),
    "fr": _words(
        "pas|impossible|refus|décliner|contraire|encontre|désolé|excuse",
        r"\b(?:je|nous) (?:ne |n'|n’)\s?(?:peux|puis|pourrai|saurais|vais|veux|souhaite|pouvons"
        r"|dois)\b(?! qu)~(?:vous |te |t'|l')?(?:aider|répondre|fournir|donner|écrire|rédiger|créer|générer"
        r"|discuter|assister|satisfaire|partager|expliquer|proposer|accéder|produire|dire|communiquer|participer"
        r"|accepter|traiter|donner suite|faire (?:cela|ça)|le faire|effectuer|conseiller|révéler)",
        r"\bje ne suis (?:malheureusement )?pas (?:en mesure|capable|autorisée?|habilitée?|programmée?|conçue?"
        r"|en capacité)",
        r"\b(?:je dois|je me vois (?:contrainte? de|dans l'obligation de)|je suis (?:obligée?|contrainte?) de"
        r"|je préfère) (?:malheureusement |respectueusement )?(?:décliner|refuser|ne pas)",
        r"\bje (?:refuse|décline)\b|il m'est (?:malheureusement )?impossible|(?:contraire à|va à l'encontre de"
        r"|enfreint) (?:mes|nos)",
        r"désolée?,?(?: mais)? (?:je ne (?:peux|puis) pas|c'est impossible|cela ne m'est pas possible)",
        r"^(?:je suis )?(?:vraiment )?(?:désolée?|navrée?)[.!]*$",
    ),
    "es": _words(
        "no puedo|no podré|no estoy|no me es|no me está|me niego|rechazar|declinar|en contra|no soy|no voy|no tengo"
        "|lo siento|lo lamento|no podemos|no debo|negarme|infringe",
        r"\bno (?:puedo|podré|podemos|voy a|debo|quiero|podría)\b~(?:ayudar|proporcionar|responder|dar(?!me)"
        r"|escribir|crear|generar|ofrecer|compartir|cumplir|brindar|facilitar|asistir|proveer"
        r"|hacer (?:eso|esto|lo que)|hacerlo|explicar|acceder|participar|atender|decirte|decirle|contestar|realizar"
        r"|redactar|revelar|apoyar|recomendar~(?:eso|esto|ningún)|hablar|comentar)",
        r"\bno (?:me es posible|me está permitido|estoy (?:autorizad|capacitad|programad|en condiciones|diseñad"
        r"|en posición)\w*|soy capaz|tengo (?:permitido|acceso a (?:tu|su|internet|información)|permiso))",
        r"\b(?:debo|tengo que|me veo obligad\w a|prefiero) (?:rechazar|declinar|negarme|no)\b|\bme niego\b"
        r"|va en contra de (?:mis|nuestras)|infringe mis",
        r"lo (?:siento|lamento),?(?: mucho,?)?(?: pero)? no puedo\b(?! (?:creer|esperar))",
        r"^lo (?:siento|lamento)(?: mucho)?[.!]*$",
    ),
    "it": _words(
        "non posso|non sono|non mi è|non riesco|non potrò|rifiut|declinare|contro le mie|mi dispiace|non possiamo"
        "|viola le mie|non ho accesso|non intendo",
        r"\bnon (?:posso|potrò|possiamo|riesco a|intendo|voglio|potrei)\b(?! che)~(?:aiutar|fornir|rispond|dar(?:e"
        r"|ti|le|vi)\b|scriver|crear|generar|offrir|condivider|soddisfar|assister|spiegar|esaudir"
        r"|far(?:lo|e questo|e ciò)|procedere|partecipar|dir(?:ti|le|vi)|produrre|eseguir|acceder|rivelar|discuter"
        r"|consigliar|accogliere)",
        r"\bnon (?:sono (?:in grado|autorizzat|programmat|in condizione|progettat)\w*|mi è (?:possibile|consentito"
        r"|permesso)|ho accesso (?:a internet|ai tuoi|ai suoi|a informazioni))",
        r"\b(?:devo|sono costrett\w a|preferisco) (?:rifiutare|declinare|non)\b|\bmi rifiuto\b|(?:contro"
        r"|viola) le mie|contrari\w alle mie",
        r"mi (?:dis)?piace,?(?: ma)? (?:non posso|purtroppo non posso)\b(?! (?:credere|aspettare))",
        r"^mi dispiace(?: molto)?[.!]*$",
    ),
    "pt": _words(
        "não posso|não consigo|não estou|não sou|não me é|não poderei|não vou|recus|declinar|contra as minhas"
        "|contra minhas|desculp|sinto muito|lamento|não tenho|não podemos|viola as minhas|viola minhas",
        r"\bnão (?:posso|consigo|poderei|vou|podemos|devo|quero)\b~(?:ajud|fornec|responder|dar\b|escrever|criar"
        r"|gerar|oferecer|compartilh|partilh|cumprir|atender|auxili|fazer (?:isso|isto)|fazê-lo|explicar"
        r"|acessar|aceder|participar|dizer|prestar|realizar|revelar|redigir|apoiar|discutir|produzir)",
        r"\bnão (?:estou (?:autorizad|programad|habilitad|em condições|apt)\w*|sou capaz|me é (?:possível|permitido)"
        r"|tenho (?:permissão|autorização|acesso (?:a|aos|às) (?:dados|informações|seus|internet)))",
        r"\b(?:preciso|devo|tenho de|tenho que|prefiro) (?:recusar|declinar|não)\b|\b(?:eu )?(?:me recuso"
        r"|recuso-me)\b|(?:contra|viola) (?:as )?minhas",
        r"(?:desculpe|sinto muito|lamento),?(?: mas)?(?: eu)? não posso\b(?! (?:acreditar|esperar|deixar))",
        r"^(?:desculpe|sinto muito|lamento)(?: muito)?[.!]*$",
    ),
    "nl": _words(
        "niet|geen|weiger|afwijzen|strijd met|het spijt me|sorry",
        r"\b(?:ik|we|wij) (?:kan|mag|wil|zal|ga|kunnen|mogen)\b~\b(?:niet|geen)\b~(?:helpen|beantwoorden|geven"
        r"|ondersteunen|schrijven|maken|verstrekken|bieden|voldoen|delen|doen|uitleggen|uitvoeren|assisteren"
        r"|meewerken|antwoorden|leveren|genereren|verlenen|ingaan)\b",
        r"\b(?:kan|mag|wil|zal) ik\b~\b(?:niet|geen)\b~(?:helpen|beantwoorden|geven|schrijven|maken|verstrekken"
        r"|bieden|voldoen|delen|doen|uitleggen|meewerken|verlenen|ingaan)\b",
        r"\bik ben\b~niet (?:in staat|bevoegd|gemachtigd|geprogrammeerd)|\bik (?:moet|weiger)\b~(?:weigeren|afwijzen"
        r"|om|dat)\b|in strijd met mijn|tegen mijn richtlijnen",
        r"^(?:het spijt me|sorry)[.!]*$",
    ),
    "pl": _words(
        "nie mogę|nie jestem|nie wolno|nie będę|odm|sprzeczne|przykro mi|przepraszam|nie możemy|nie mam dostępu"
        "|narusza moje",
        r"\bnie (?:mogę|możemy|będę|chcę|jestem w stanie|wolno mi|potrafię)\b~(?:pomóc|pomagać|odpowiedzieć|udzielić"
        r"|podać|napisać|stworzyć|dostarczyć|spełnić|udostępnić|zrobić tego|tego zrobić|wyjaśnić|przygotować|wykonać"
        r"|zapewnić|doradzać|ujawnić|rozmawiać|wygenerować|podawać|udzielać)",
        r"\bnie jestem (?:uprawnion|upoważnion|zaprogramowan|w stanie)\w*|\bmuszę (?:grzecznie |niestety )?odmówić"
        r"|\bodmawiam\b|(?:sprzeczne z|narusza) mo(?:imi|je)",
        r"^(?:przykro mi|przepraszam)[.!]*$",
    ),
    "ru": _words(
        "не могу|не смогу|не в состоянии|не имею|не буду|отказ|противоречит|нарушает мои|не можем|извините|простите"
        "|сожалению",
        r"(?<!\w)не (?:могу|смогу|можем|сможем|буду|в состоянии|имею (?:права|возможности)|вправе"
        r"|готов\w?)(?!\w)~(?:помочь|помогать|ответить|отвечать|предоставить|предоставлять|дать|давать|написать"
        r"|создать|выполнить|поделиться|рассказать|объяснить"
        r"|сделать это|это сделать|обсуждать|обсудить|сообщить|поддержать|предложить|сгенерировать|раскрыть"
        r"|составить|консультировать|содействовать|удовлетворить)",
        r"(?<!\w)(?:я )?(?:вынужден\w?|должен|должна) (?:вам |вежливо )?отказ|(?<!\w)я отказываюсь"
        r"|противоречит мо(?:им|ей)|нарушает мои|(?:извините|простите"
        r"|к сожалению),?(?: но)?(?: я)? не могу(?! (?:дождаться|поверить))~(?:\.|!|$)",
        r"^(?:извините|простите)[.!]*$",
    ),
    "tr": _words(
        "olamam|edemem|veremem|ağlayamam|yapamam|aylaşamam|azamam|luşturamam|tiremem|unamam|nlatamam|çıklayamam"
        "|mıyorum|miyorum|muyorum|müyorum|mayacağım|meyeceğim|reddet|aykırı|mümkün değil|üzgünüm",
        r"(?:yardımcı ol|yardım ed|yanıt ver|cevap ver|yanıtlay|cevaplay|bilgi ver|sağlay|paylaş|yaz|oluştur"
        r"|yerine getir|bulun|anlat|açıklay|destekley|öner|tavsiye ed|erişim sağlay)(?:a|e)m(?:am|em|ıyorum|iyorum"
        r"|uyorum|üyorum|ayacağım|eyeceğim)",
        r"(?:reddetmek|geri çevirmek) zorunda|(?:kurallarıma|ilkelerime|yönergelerime|politikalarıma) aykırı"
        r"|yardımcı olmam mümkün değil|yanıt vermem mümkün değil|^bunu yapamam",
    ),
    "zh": _words(
        "无法|不能|無法|没办法|沒辦法|不便|拒绝|拒絕|违反|違反|不符合|抱歉|对不起|對不起",
        r"(?:^|[。！!\n，,；]|抱歉|对不起|對不起|不好意思|很遗憾|很遺憾)(?:但是?|不过|因此|所以|恐怕|目前|暂时"
        r"|作为[^，。]{0,15}，)?我们?(?:恐怕|目前|暂时|真的|也|实在|只是|并)?(?:无法|不能|不会|没办法|沒辦法|無法"
        r"|不便|不可以|不應)"
        r"[^，。！？\n]{0,12}?(?:提供|回答|帮助|幫助|帮|协助|協助|满足|滿足|完成|讨论|討論|生成|透露|给出|執行|执行"
        r"|参与|參與|支持|回应|回應|写|寫|告诉|告訴|处理|處理|创作|编写|分享|解答|访问|做到|这样做|給予|给予)",
        r"(?:抱歉|对不起|對不起|不好意思|很遗憾)[，,。]?(?:这个|這個|该|您的)?(?:问题|請求|请求"
        r"|要求)?我?们?(?:恐怕)?(?:无法|不能|無法|没办法)(?:为您|为你|给您|给你|向您|向你|為您|直接)?(?:提供|回答"
        r"|帮助|幫助|协助|協助|满足|滿足|完成|讨论|討論|继续|處理|处理|回應|回应)",
        r"(?:违反|違反|不符合)(?:了)?我的|我(?:必须|只能|不得不|需要)?(?:拒绝|拒絕|婉拒)|^(?:非常)?(?:抱歉|对不起"
        r"|對不起)[。！!]*$",
    ),
    "ja": _words(
        "できません|できかね|しかねます|かねます|できない|控え|お断り|なれません|応じられ|答えられ|教えられ|申し訳",
        r"(?:お答え|お手伝い|ご回答|お応え|ご協力|お力添え)(?:する(?:こと)?)?(?:は|が|も|を)?(?:でき(?:ません"
        r"|かねます|ない)|いたしかねます|しかねます|致しかねます)",
        r"(?:ご要望|ご依頼|ご質問|リクエスト|ご期待|要求)(?:に|には)(?:は)?(?:お応え|お答え|応じ"
        r"|対応)[^。\n]{0,10}?(?:できません|かねます|られません|できない)",
        r"お力に(?:は)?なれません|(?:回答|提供|お答え|説明|コメント|案内|情報提供)(?:を|は)?(?:差し控え|控えさせて"
        r"|お断り)|(?:お答え|応じること|お教え)(?:は)?(?:できません|られません)",
        r"(?:申し訳(?:ありません|ございません)|すみません|ごめんなさい|恐れ入ります"
        r"|残念です)[がけれどもしか、，。]{0,5}[^。\n]{0,40}?(?:提供|対応|作成|教える|説明|回答|支援|サポート|生成"
        r"|執筆|アドバイス|お伝え|アクセス|書く|手助け|共有)"
        r"(?:する)?(?:こと)?(?:は|が|を|も)?(?:でき(?:ません|かねます|ない)|いたしかねます|しかねます)",
        r"(?:助言|アドバイス|情報|手順|方法|診断)[^。\n]{0,15}?(?:提供|お伝え|お教え|説明"
        r"|ご案内)(?:する)?(?:こと)?(?:は|が|を)?(?:でき(?:ません|かねます)|いたしかねます|しかねます)",
        r"私(?:の)?(?:ガイドライン|ポリシー|方針)に(?:反|違反)|^(?:大変)?申し訳(?:ありません|ございません)[。!！]*$",
    ),
    "ko": _words(
        "수 없|수가 없|수는 없|거절|거부|위배|어긋|어렵습니다|죄송",
        r"(?:도와\s?드릴|도움을 드릴|도울|답변(?:을|해)?\s?드릴|답변할|답해\s?드릴|응할|응해\s?드릴) 수(?:가|는)? 없",
        r"(?:^|[.!?\n] ?)(?:죄송|미안|유감|저는|저로서는|제가|안타깝)[^.!?\n]{0,50}?(?:제공|알려\s?드|작성|말씀드"
        r"|안내|수행|생성|공유|설명|처리|지원|추천|접근|논의)[^.!?\n]{0,8}? 수(?:가|는)? 없",
        r"(?:요청|질문)(?:은|을|에|에는)?~(?:거절|거부|응할 수 없|들어드릴 수 없|답변드리기 어렵|도와드리기 어렵)"
        r"|(?:제|저의) (?:지침|정책|가이드라인|원칙)에 (?:위배|어긋)|^죄송합니다[.!]*$",
    ),
    "ar": _words(
        "لا أستطيع|لا يمكنني|لن أتمكن|لن أستطيع|لست قادر|غير قادر|أعتذر|يتعذر|أرفض|لا أقدر|عذر|آسف|يخالف|يتعارض",
        r"(?:لا (?:أستطيع|يمكنني|أقدر)|لن (?:أستطيع|أتمكن من)|لست قادر\w{0,2} على|غير قادر\w? على"
        r"|يتعذر علي)~(?:مساعد|تقديم|الإجابة|الاجابة|توفير|المساعدة|إعطا|كتابة|تنفيذ|مشاركة|الرد|شرح|تلبية|إنشاء"
        r"|تزويد|القيام بذلك|مناقشة|الوصول)",
        r"(?:أعتذر|أرفض)(?: عن)?~(?:الإجابة|المساعدة|تقديم|تنفيذ|تلبية)|(?:يخالف|يتعارض مع) (?:إرشاداتي|سياساتي"
        r"|مبادئي)|^(?:عذرا|عذرًا|آسف|أنا آسف)[.!]*$",
    ),
    "hi": _words(
        "नहीं|असमर्थ|अस्वीकार|मना|ख़िलाफ़|खिलाफ|माफ़|माफ|क्षमा",
        r"मैं[^।\n]{0,60}?(?:मदद|सहायता|जानकारी|उत्तर|जवाब|अनुरोध|सलाह|निर्देश|लिख|बता"
        r"|प्रदान)[^।\n]{0,30}?(?:नहीं (?:कर|दे|बता|लिख|हो|पूरा)|असमर्थ)",
        r"(?:मदद|सहायता|उत्तर|जानकारी) (?:करने|देने|प्रदान करने) में असमर्थ|मेरे (?:दिशानिर्देशों|नियमों"
        r"|सिद्धांतों) के (?:खिलाफ|ख़िलाफ़|विरुद्ध)|^(?:मुझे )?(?:माफ़|माफ|क्षमा) (?:करें|कीजिए)[।.!]*$",
    ),
}
"""By ISO 639-1."""
