# Das Portal auf Deutsch. Namen von Tasten und Zeilen so, wie ein deutsches iOS sie zeigt; **fett** hebt sie hervor.

-allow = Zulassen
-close = Schließen
-settings = Einstellungen
-profile-downloaded = Profil geladen
-install = Installieren
-done = Fertig
-ios-continue = Fortfahren
-trust = Vertrauen
-safari = Safari
-remove-management = Verwaltung entfernen
-trust-settings = Allgemein › Info › Zertifikatsvertrauenseinstellungen
-sign-in-row = Bei Arbeits- oder Schulaccount anmelden
-allow-management = Entfernte Verwaltung erlauben

enroll-my = Mein { $device } anmelden
enroll-in = Bei { $organization } anmelden
management-row = { $ios15 ->
    [yes] Allgemein › VPN und Geräteverwaltung
   *[no] Allgemein › Geräteverwaltung
  }
account-name = { $ios18 ->
    [yes] Verwalteter Apple Account
   *[no] Verwaltete Apple-ID
  }

language-name = Deutsch
progress = Schritt { $now } von { $total }
signed-in-as = Angemeldet als { $name }
signed-in-for = Angemeldet als { $name }, registriert für { $owner }
sign-out = Abmelden
help-code = Hilfe-Code { $code }
continue-button = Weiter
installed-button = Ich habe es installiert
download-again-button = Profil noch einmal laden
back-button = Zurück zu meiner Registrierung
again-button = Von vorn beginnen
check-button = Jetzt nachsehen
change-link = Ändern
about-link = Was { $organization } sehen kann und was nicht
what-to-do = Was jetzt zu tun ist
help-title = Hier gibt es Hilfe

sign-in-title = Zum Registrieren anmelden
sign-in-lead = In wenigen Schritten registrierst du dieses { $device } bei { $organization }. Halte den Gerätecode bereit.
sign-in-again-lead = { $organization } bittet dich, dich noch einmal anzumelden, damit dieses { $device } verbunden bleibt. Nimm das Konto, mit dem es registriert wurde.
hand-over-title = Du bist angemeldet
hand-over-lead = Jetzt geht es in den Einstellungen weiter: Tippe auf „Weiter“ und folge dann deinem { $device }.
sign-in-refused = Das hat nicht geklappt.
sign-in-refused-hint = Prüfe Benutzername und Passwort. Stimmt beides, darf dein Account vielleicht keine Geräte registrieren: Frag deinen Helpdesk.
sign-in-throttled = Zu viele Versuche. Warte { $minutes ->
    [one] eine Minute
   *[other] { $minutes } Minuten
  } und versuch es dann noch einmal.
sign-in-throttled-hint = Nur diese Seite wartet. Ob der Account selbst bei { $organization } gesperrt ist, weiß dein Helpdesk; frag auch dort, wenn du das Passwort vergessen hast.
user-name = Benutzername
password = Passwort
sign-in-button = Anmelden
show-password = Passwort anzeigen
sign-in-with = Anmelden mit { $provider }
sign-in-or-password = Oder mit Benutzername und Passwort
sign-in-not-through-hint = Du wurdest nicht angemeldet. Versuch es bitte noch einmal.
sign-in-not-through-code = Klappt es wieder nicht, nenne deinem Helpdesk den Hilfe-Code unten.
sign-in-not-now = Anmelden ist gerade nicht möglich.
sign-in-not-now-hint = Es liegt nicht an deinem Passwort: Ein System, das zum Anmelden gebraucht wird, antwortet nicht. Versuch es in ein paar Minuten noch einmal.
sign-in-too-late = Das hat zu lange gedauert.
sign-in-too-late-hint = Zum Anmelden sind 15 Minuten Zeit. Tippe unten auf den Knopf, um noch einmal zu beginnen.
sign-in-change-password = Ändere zuerst dein Passwort.
sign-in-change-password-hint = Dein Passwort war richtig, muss aber ersetzt werden, bevor es hier gilt. Ändere es dort, wo du es sonst tust, zum Beispiel an einem Computer von { $organization }, und melde dich dann mit dem neuen an.
sign-in-nobody = Im Moment kann sich hier niemand anmelden. Frag deinen Helpdesk.
sign-in-own-title = Gehört dieses { $device } dir?
sign-in-own = Dann melde dich nicht hier an: ein persönliches { $device } wie deines wird in den Einstellungen registriert. Das ist zu tippen:
sign-in-own-else = Wenn es { $organization } gehört, melde dich unten an.
leaving-title = Einen Moment
leaving-in = Zum Anmelden geht es jetzt zu { $site }. Danach kommst du von selbst hierher zurück.
leaving-out = Hier bist du abgemeldet. Um dich auch bei { $site } abzumelden, geht es jetzt dorthin.

for-whom-title = Für wen ist dieses { $device }?
for-whom-lead = Du darfst Geräte für andere registrieren. Alles Weitere gilt dann für die Person, die du nennst.
for-whom-label = Benutzername der Person
for-whom-hint = So, wie sie sich im Verzeichnis von { $organization } anmeldet.
for-whom-unknown = Im Verzeichnis wurde niemand mit diesem Namen gefunden. Prüfe die Schreibweise.
for-whom-unavailable = Das Verzeichnis lässt sich gerade nicht fragen. Warte eine Minute und versuch es noch einmal.
for-whom-throttled = Zu viele Namen wurden nicht gefunden. Warte { $minutes ->
    [one] eine Minute
   *[other] { $minutes } Minuten
  } und versuch es dann noch einmal.
for-whom-no-directory = Für die Registrierung ist kein Verzeichnis eingeschaltet; darum lässt sich niemand nachschlagen. Frag deine Administration.
for-whom-oneself-button = Es ist für mich selbst

previous-title = Es ist schon ein Gerät registriert
previous-lead = { $other ->
    [yes] { $organization } verwaltet noch für { $owner }:
   *[no] { $organization } verwaltet noch für dich:
  }
previous-since = registriert am { $date }
previous-more = und { $count } weitere
date = { $day }. { $month ->
    [1] Januar
    [2] Februar
    [3] März
    [4] April
    [5] Mai
    [6] Juni
    [7] Juli
    [8] August
    [9] September
    [10] Oktober
    [11] November
   *[12] Dezember
  } { $year }
previous-same-device = Wenn es dieses { $device } ist
previous-step-open = Öffne **{ -settings }** und geh zu **{ management-row }**.
previous-step-remove = Tippe auf das Profil der Organisation, dann auf **{ -remove-management }**, und gib den Gerätecode ein.
previous-step-back = Komm auf diese Seite zurück.
previous-other-device = Wenn es ein anderes Gerät ist
previous-other-device-text = Dann ist nichts zu entfernen. Geh weiter: Beide bleiben registriert.
previous-button = Weiter
record-unnamed = Ein Gerät

ownership-title = Wem gehört dieses { $device }?
ownership-lead = Davon hängt ab, wie viel { $organization } sehen und tun kann.
ownership-unanswered = Wähle aus, wem es gehört.
ownership-personal = Es gehört mir
ownership-personal-text = Was dir gehört, bleibt privat. { $organization } verwaltet nur die eigenen Apps, Accounts und Daten.
ownership-institutional = Es gehört { $organization }
ownership-institutional-text = { $organization } verwaltet das ganze Gerät und kann es sperren oder löschen.

terms-title = Nutzungsbedingungen
terms-lead = Lies sie durch. Um dieses { $device } zu registrieren, musst du sie annehmen.
terms-changed = Die Bedingungen haben sich geändert, während du gelesen hast. Das ist der neue Text.
terms-version = Fassung { $version }
terms-on-behalf = Du registrierst dieses Gerät für { $owner }. Nimm nur an, wenn { $owner } einverstanden ist. Wer selbst ein Gerät registriert, wird noch einmal gefragt.
terms-accept-button = Ich nehme an
terms-decline-button = Ich nehme nicht an
terms-decline = Dann wirst du abgemeldet, und auf deinem { $device } ändert sich nichts.
terms-withdrawn = Es gibt keine Bedingungen mehr anzunehmen. Beginne von vorn, um weiterzugehen.

ca-title = Installiere das Zertifikat
ca-lead = Damit vertraut dein { $device } diesem Server. Niemand sieht dadurch, was auf deinem { $device } ist.
ca-too-early = Tippe erst auf „Weiter“ und installiere das Zertifikat; danach ist diese Taste dran.
ca-tap-continue-close = Tippe unten auf **Weiter**. Safari meldet „Diese Website versucht, ein Konfigurationsprofil zu laden. Möchtest du dies erlauben?“: Tippe auf **{ -allow }**. Dann steht dort „Schließe die Installation dieses Profils in der App „Einstellungen“ ab.“: Tippe auf **{ -close }**.
ca-tap-continue-settings = Tippe unten auf **Weiter**. Safari meldet „Diese Website versucht, die Einstellungen zu öffnen, um dir ein Konfigurationsprofil zu zeigen. Möchtest du dies erlauben?“: Tippe auf **{ -allow }**.
ca-tap-continue = Tippe unten auf **Weiter**. Die Einstellungen zeigen das Profil.
open-downloaded = Öffne **{ -settings }** und tippe auf **{ -profile-downloaded }**.
ca-install = Tippe auf **{ -install }**, gib den Gerätecode ein, tippe noch einmal auf **{ -install }**, wenn gefragt ein drittes Mal, dann auf **{ -done }**.
ca-trust = Geh in **{ -settings }** zu **{ -trust-settings }** und schalte **{ $certificate }** ein. Wenn gefragt, tippe auf **{ -ios-continue }**.
ca-come-back = Komm zu Safari zurück und tippe auf **Ich habe es installiert**.
screen-next = Weiter zum nächsten
screen-back = Zurück
ca-why-title = Wozu ist das nötig?
ca-why = Der Server deiner Organisation hat ein eigenes Zertifikat. Ohne diesen Schritt bricht der nächste mit „Profilinstallation fehlgeschlagen“ ab.
eight-minutes-title = Nicht länger als acht Minuten
eight-minutes = Dein { $device } behält ein geladenes Profil acht Minuten lang. Ist es weg, lade es noch einmal.

maid-title = { $ios18 ->
    [yes] Dein verwalteter Apple Account
   *[no] Deine verwaltete Apple-ID
  }
maid-lead = { $organization } hat dir diesen Account für die Arbeit gegeben. Es ist nicht der, den du privat für den App Store oder iCloud benutzt.
maid-label = { account-name }
maid-hint = Sieht aus wie eine E-Mail-Adresse, etwa ada@example.com.
maid-hint-domains = Endet mit { $domains }.
maid-invalid = Das ist kein Accountname. Er sieht aus wie eine E-Mail-Adresse, etwa ada@example.com.
maid-domain = Accounts enden hier mit { $domains }.
maid-why-title = Was geschieht damit?
maid-why = Gleich bittet dich dein Gerät in den Einstellungen, dich damit anzumelden. Das Passwort gibst du Apple; dieser Server sieht es nie.

mdm-title = Registriere dieses { $device }
mdm-lead-personal = Das Letzte, was zu tun ist. { $organization } bekommt auf deinem { $device } einen eigenen Bereich für die Arbeit; was dir gehört, bleibt deins.
mdm-lead-institutional = Das Letzte, was zu tun ist. Danach verwaltet { $organization } dieses { $device }.
mdm-tap-continue-close = Tippe unten auf **Weiter**. Safari meldet „Diese Website versucht, ein Konfigurationsprofil zu laden. Möchtest du dies erlauben?“: Tippe auf **{ -allow }**. Dann steht dort „Schließe die Installation dieses Profils in der App „Einstellungen“ ab.“: Tippe auf **{ -close }**.
mdm-tap-continue-settings = Tippe unten auf **Weiter**. Safari meldet „Diese Website versucht, die Einstellungen zu öffnen, um dir ein Konfigurationsprofil zu zeigen. Möchtest du dies erlauben?“: Tippe auf **{ -allow }**.
mdm-tap-continue = Tippe unten auf **Weiter**. Die Einstellungen zeigen das Profil.
mdm-open-downloaded = Öffne **{ -settings }** und tippe auf **{ -profile-downloaded }** oder **{ enroll-in }**.
mdm-enroll-my = Tippe auf **{ enroll-my }** und gib den Gerätecode ein.
mdm-account-password = { $ios18 ->
    [yes] Tippe auf **{ -ios-continue }** und melde dich mit deinem verwalteten Apple Account an.
   *[no] Tippe auf **{ -ios-continue }** und melde dich mit deiner verwalteten Apple-ID an.
  } Das Passwort geht an Apple, nicht an diesen Server.
mdm-install = Tippe auf **{ -install }**, gib den Gerätecode ein, tippe noch einmal auf **{ -install }**.
mdm-verified = Dein { $device } sagt, welches Gerät es ist, und wird geprüft; danach zeigt es das Profil für die entfernte Verwaltung: Tippe auf **{ -install }**.
mdm-trust = Wenn nach der entfernten Verwaltung gefragt wird, tippe auf **{ -trust }**, dann auf **{ -done }**.
mdm-come-back = Komm zu Safari zurück und tippe auf **Ich habe es installiert**.
mdm-account-title = { $ios18 ->
    [yes] Dein verwalteter Apple Account
   *[no] Deine verwaltete Apple-ID
  }

about-title = Was deine Organisation sehen kann
about-lead = Was eine Organisation darf, bestimmt Apple. Das sind die Grenzen für { $organization }.
about-personal = Wenn das Gerät dir gehört
about-institutional = Wenn es { $organization } gehört
about-cannot = { $organization } kann nicht
about-can = { $organization } kann
cannot-read = deine Nachrichten, E-Mails, Fotos, Anrufe oder besuchten Webseiten lesen
cannot-locate = sehen, wo du bist
cannot-apps = die Apps sehen, die du selbst installiert hast
cannot-identify = Seriennummer, Telefonnummer oder eine andere bleibende Nummer des Geräts sehen
cannot-erase = das Gerät löschen oder deinen Code entfernen
can-model = Modell und iOS-Version sehen und ob das Gerät aktuell ist
can-work-apps = eigene Apps, Accounts und Einstellungen installieren, entfernen und sehen
can-passcode = einen Code verlangen
can-remove-own = entfernen, was sie installiert hat, wenn du gehst
can-identify = Namen, Seriennummer und Telefonnummer des Geräts sehen
can-all-apps = jede installierte App sehen
can-restrict = Apps und Einstellungen installieren und einschränken, was das Gerät kann
can-lock = das Gerät sperren, seinen Code entfernen oder alles darauf löschen
about-leave-title = Mit einem eigenen Gerät kannst du jederzeit aufhören
about-leave = Öffne **{ -settings }** › **{ management-row }**, tippe auf das Profil und auf **{ -remove-management }**. Die Apps und Daten der Organisation verschwinden damit.
about-managed-title = Ein Gerät von { $organization } wird von dort verwaltet
about-managed = { $organization } entscheidet, wie lange. Frag dort, bevor du das Profil entfernst, und auch, wenn etwas nicht geht.

complete-title-waiting = Warten auf dein { $device }
complete-lead-waiting = Sobald das Profil installiert ist, steht es hier.
complete-title-installing = Fast fertig
complete-lead-installing = Dein { $device } hat geantwortet und richtet sich fertig ein.
complete-title-enrolled = Dein { $device } ist registriert
complete-lead-enrolled = { $organization } verwaltet es jetzt. Du kannst diese Seite schließen.
complete-title-ended = Diese Registrierung ist zu Ende
complete-lead-ended = Das Profil wurde entfernt, oder das { $device } wurde neu registriert. Um es noch einmal zu registrieren, beginne von vorn.
complete-refreshing = Diese Seite sieht alle paar Sekunden selbst nach.
complete-not-refreshing = Diese Seite sieht nicht selbst nach. Tippe auf die Taste.
complete-still = Nicht selbst neu laden
complete-back-button = Zurück zur Anleitung
self-service-title = Noch etwas
self-service = { $organization } bietet Apps in Self Service an. Lade es aus dem App Store.
self-service-button = Self Service laden
app-title = Self Service
app-coming = Self Service ist auf dem Weg zu deinem { $device }.
app-prompting = Dein { $device } fragt, ob Self Service installiert werden soll. Tippe auf „Installieren“.
app-sign-in = Der App Store fragt nach einer Apple-ID. Melde dich dort an, dann wird Self Service installiert.
app-installing = Self Service wird gerade installiert.
app-by-their-own-doing = Der App Store installiert Self Service schon.
app-installed = Self Service ist installiert.
app-refused = Du hast Self Service nicht installiert. Du kannst es noch holen.
app-not-licensed = Für dich gibt es noch keine Lizenz für Self Service. { $organization } muss eine zuweisen.
app-failed = Self Service konnte nicht installiert werden.

stopped-old-title = Dieses { $device } braucht ein neueres iOS
stopped-old-lead = Es hat Version { $version }. Ein eigenes Gerät kann ab Version 13.1 registriert werden; ein älteres würde als Ganzes verwaltet, und das hast du nicht gewählt.
stopped-old-update = Öffne **{ -settings } › Allgemein › Softwareupdate** und aktualisiere.
stopped-old-again = Öffne dann diese Seite noch einmal.
stopped-account-title = Registriere es in den Einstellungen
stopped-account-lead = Ein eigenes { $device } wie deines registriert man durch eine Anmeldung in den Einstellungen, ohne ein Profil von dieser Seite. So geht es:
stopped-account-open = Öffne **{ -settings }**, tippe auf **Allgemein**, dann auf **VPN und Geräteverwaltung**.
stopped-account-sign-in = Tippe auf **{ -sign-in-row }**.
stopped-account-account = Gib deinen Account ein, den mit @, den du von deiner Organisation hast, und tippe auf **{ -ios-continue }**.
stopped-account-page = Eine Seite von { $organization } öffnet sich: Melde dich dort an wie hier.
stopped-account-password = Wenn dein { $device } danach fragt, gib das Passwort deines Accounts ein und tippe auf **{ -ios-continue }**.
stopped-account-allow = Tippe auf **{ -allow-management }** und gib den Gerätecode ein, falls du danach gefragt wirst.
stopped-account-yours = Dein Account ist **{ $account }**.
stopped-account-lost = Sagt dein { $device }, dass es deine Organisation nicht findet, frag deinen Helpdesk.
stopped-no-account-title = Dieses { $device } lässt sich hier nicht registrieren
stopped-no-account-lead = Seit iOS 18 registriert man ein eigenes { $device } durch eine Anmeldung in den Einstellungen, und das bietet { $organization } nicht an.
stopped-by-account = Du kannst diese Seite jetzt schließen.
stopped-mode-title = Dein { $device } hat sich anders registriert
stopped-mode-lead = Es hat das Profil für eine andere Art der Registrierung genommen, als du gewählt hast; darum hat der Server es abgelehnt. Über dein { $device } wurde nichts aufbewahrt.
stopped-mode-remove = Öffne **{ -settings } › { management-row }**. Wenn dort ein Profil von { $organization } ist, tippe darauf und auf **{ -remove-management }**.
stopped-mode-version = Sieh unter **{ -settings } › Allgemein › Info** nach, welche Version von iOS es hat.
stopped-mode-again = Beginne hier von vorn. Passiert es noch einmal, frag deinen Helpdesk und nenne den Hilfe-Code.
stopped-permitted-title = Dieses { $device } darf hier nicht registriert werden
stopped-permitted-lead = { $other ->
    [yes] { $organization } erlaubt { $owner } nicht, dieses { $device } hier zu registrieren.
   *[no] Du bist angemeldet, aber { $organization } erlaubt deinem Account nicht, dieses { $device } hier zu registrieren.
  }
stopped-permitted-ask = Wenn das gehen sollte, frag deinen Helpdesk und nenne den Hilfe-Code unten.
stopped-permitted-again = Wenn es dafür einen anderen Account gibt, beginne damit von vorn.
stopped-unknown-title = Es ist nicht bekannt, ob du dieses { $device } registrieren darfst
stopped-unknown-lead = Der Dienst, mit dem du dich angemeldet hast, hat { $organization } nicht mitgeteilt, was dafür nötig ist. Du hast nichts falsch gemacht.
stopped-unknown-ask = Frag deinen Helpdesk und nenne den Hilfe-Code unten: Ein Administrator muss etwas ändern.
stopped-many-title = Mehr Geräte gehen nicht
stopped-many-lead = { $other ->
    [yes] { $owner } hat so viele Geräte registriert, wie { $organization } gleichzeitig erlaubt: { $limit }.
   *[no] Du hast so viele Geräte registriert, wie { $organization } dir gleichzeitig erlaubt: { $limit }.
  }
stopped-many-devices = Diese Geräte zählen
stopped-many-remove = Öffne auf einem davon, das nicht mehr gebraucht wird, **{ -settings } › { management-row }**, tippe auf das Profil von { $organization } und auf **{ -remove-management }**.
stopped-many-gone = Ist das Gerät verloren, gelöscht oder in anderen Händen, bitte deinen Helpdesk, es von der Liste zu nehmen, und nenne den Hilfe-Code unten.
stopped-many-again = Beginne dann hier von vorn.
stopped-below-title = Dieses { $device } braucht ein neueres iOS
stopped-below-lead = { $version ->
    [unknown] Seine Version ist älter, als { $organization } erlaubt.
   *[known] Es hat Version { $version }. Das ist älter, als { $organization } erlaubt.
  } { $limit ->
    [none] Beginne von vorn: Vielleicht gilt das nicht mehr.
   *[given] Es muss { $limit } oder neuer sein.
  }
stopped-below-no-update = Wird dort keine neuere Version angeboten, lässt sich dieses { $device } nicht registrieren: Frag deinen Helpdesk nach einem anderen.
stopped-above-title = Diese Version von iOS ist noch nicht erlaubt
stopped-above-lead = { $version ->
    [unknown] Seine Version ist neuer, als { $organization } erlaubt.
   *[known] Dieses { $device } hat Version { $version }. Das ist neuer, als { $organization } erlaubt.
  } { $limit ->
    [none] Beginne von vorn: Vielleicht gilt das nicht mehr.
   *[given] Die neueste erlaubte ist { $limit }.
  }
stopped-above-ask = Eine ältere Version lässt sich nicht zurückholen. Frag deinen Helpdesk, wann diese erlaubt wird, und nenne den Hilfe-Code unten.
stopped-model-title = Dieses Modell wird hier nicht registriert
stopped-model-lead = { $limit ->
    [none] { $organization } registriert keine Geräte dieses Modells.
   *[given] { $organization } registriert nur: { $limit }.
  }
stopped-genuine-title = Dieses { $device } ließ sich nicht prüfen
stopped-genuine-lead = { $organization } registriert nur Geräte, die nachweisen, dass sie von Apple sind; der Nachweis von diesem ist hier nicht bekannt. Über dein { $device } wurde nichts aufbewahrt.
stopped-other-title = Das war ein anderes Gerät
stopped-other-lead = Das Profil war für das { $device }, das geprüft wurde; ein anderes Gerät hat es installiert, darum hat der Server es abgelehnt. Über das andere Gerät wurde nichts aufbewahrt.
stopped-other-again = Beginne hier von vorn und installiere das Profil auf genau diesem { $device }.

desktop-title = Weiter auf deinem iPhone oder iPad
desktop-lead = Richte die Kamera des iPhone oder iPad, das du registrieren willst, auf diesen Code.
desktop-qr = QR-Code der Adresse { $address }
desktop-type = Oder gib diese Adresse in Safari ein:
desktop-untrusted-title = Safari warnt dich zuerst
desktop-untrusted = Dein Gerät kennt diesen Server noch nicht und sagt „Diese Verbindung ist nicht privat“. Bei der Adresse oben ist das zu erwarten: tippe auf **Details einblenden**, dann auf **diese Website besuchen**, und bestätige mit **Website besuchen**. Die ersten Schritte installieren das Zertifikat, das die Warnung beendet.
which-title = Womit bist du hier?
which-lead = Safari sagt, das sei ein Mac. Das sagt auch ein iPad, und ein iPhone, das die Desktop-Website zeigt.
which-ipad = Das ist ein iPad
which-iphone = Das ist ein iPhone
which-mac = Das ist ein Mac
browser-title = Öffne diese Seite in Safari
browser-lead = Nur Safari kann deinem { $device } ein Profil übergeben. Du benutzt einen anderen Browser oder den einer App.
browser-step-copy = Kopiere die Adresse unten.
browser-step-open = Öffne **{ -safari }**.
browser-step-paste = Füge die Adresse oben ein.

problem-not-found-title = Diese Seite gibt es nicht
problem-not-found = Vielleicht ist die Adresse vertippt.
problem-not-found-do = Geh zurück zu deiner Registrierung; sie weiß, wo du warst.
problem-method-title = Das geht hier nicht
problem-method = Die Seite wurde auf eine Art aufgerufen, die sie nicht kennt.
problem-method-do = Geh zurück zu deiner Registrierung und benutze dort die Tasten.
problem-bad-title = Das Formular war nicht lesbar
problem-bad = Etwas hat darin gefehlt.
problem-bad-do = Geh zurück und fülle es noch einmal aus.
problem-large-title = Das war zu viel
problem-large = Was gesendet wurde, ist größer, als diese Seite annimmt.
problem-large-do = Geh zurück und fülle das Formular mit weniger Text aus.
problem-forged-title = Das Formular ist abgelaufen
problem-forged = Es war zu lange offen, kam von einer anderen Website, oder dein Browser behält keine Cookies.
problem-forged-do = Geh zurück zu deiner Registrierung und sende es noch einmal. Safari muss Cookies erlauben.
problem-link-title = Dieser Link gilt nicht mehr
problem-link = Links zu Profilen gelten nur ein paar Minuten und nur in dem Schritt, zu dem sie gehören.
problem-link-do = Geh zurück zu deiner Registrierung und tippe dort auf „Weiter“.
problem-too-often-title = Das war oft genug
problem-too-often = Bei diesem Besuch wurde das Profil wieder und wieder geladen oder der Account geändert.
problem-too-often-do = Melde dich ab und beginne von vorn. Wenn sich das Profil nicht installieren lässt, frage um Hilfe.
problem-account-title = Bitte beginne noch einmal in den Einstellungen
problem-account = Diese Seite wurde vor einer Weile aus den Einstellungen geöffnet oder in einem anderen Fenster begonnen.
problem-account-do = Schließ diese Seite und tippe in den Einstellungen noch einmal auf **{ -sign-in-row }**.
problem-version-title = Dieses Profil ist nicht für diese Version von iOS
problem-version = Ein privates Gerät nimmt es nur mit iOS 13.1 bis 17. Es wurde nichts getan.
problem-version-do = Öffne die Seite dieses Servers in Safari auf dem Gerät, das du registrieren willst: Sie führt dich den Weg, den dieses Gerät kennt.
problem-push-title = Die Registrierung ist noch nicht bereit
problem-push = Der Server kann Geräte noch nicht erreichen: Ihm fehlt das Push-Zertifikat.
problem-push-do = Du kannst nichts tun. Sag deinem Helpdesk, dass das Push-Zertifikat fehlt.
problem-unavailable-title = Gerade nicht
problem-unavailable = Der Server kann im Moment nichts speichern.
problem-unavailable-do = Warte eine Minute und versuch es noch einmal. Was du vorher getan hast, ist gespeichert.
problem-internal-title = Hier ist etwas schiefgegangen
problem-internal = Der Fehler liegt bei uns, nicht bei dir, und nichts ist verloren.
problem-internal-do = Versuch es noch einmal. Passiert es wieder, nenne deinem Helpdesk den Hilfe-Code unten.

draw-alert = Bild von dem, was dein { $device } fragt. Zu tippen: { $tap }
draw-row = Bild einer Seite der Einstellungen. Zeile, auf die zu tippen ist: { $tap }
draw-sheet = Bild einer Seite der Einstellungen. Zu tippen: { $tap }
draw-switch = Bild einer Seite der Einstellungen. Einzuschalten: { $tap }
draw-ask = Diese Website versucht, ein Konfigurationsprofil zu laden. Möchtest du dies erlauben?
draw-ask-settings = Diese Website versucht, die Einstellungen zu öffnen, um dir ein Konfigurationsprofil anzuzeigen. Möchtest du dies erlauben?
draw-complete = Schließe die Installation dieses Profils in der App „Einstellungen“ ab.
draw-ignore = Ignorieren
draw-cancel = Abbrechen
draw-allow = { -allow }
draw-close = { -close }
draw-settings = { -settings }
draw-downloaded = { -profile-downloaded }
draw-install = { -install }
draw-install-title = Profil installieren
draw-full-trust = Volles Vertrauen für Root-Zertifikate aktivieren
draw-trust = { -trust }
draw-remote = Entfernte Verwaltung
draw-remote-text = Vertraust du der Quelle dieses Profils, um dein { $device } für die entfernte Verwaltung anzumelden?
draw-general = Allgemein
draw-management = { $ios15 ->
    [yes] VPN und Geräteverwaltung
   *[no] Geräteverwaltung
  }
draw-sign-in-row = { -sign-in-row }
draw-continue = { -ios-continue }
draw-password = Passwort
draw-allow-management = { -allow-management }
