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
-sign-out-ios = Abmelden
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
check-button = Jetzt prüfen
change-link = Ändern
about-link = Was { $organization } sehen kann und was nicht
what-to-do = Das können Sie jetzt tun
help-title = Hier erhalten Sie Hilfe

sign-in-title = Zum Registrieren anmelden
sign-in-lead = In wenigen Schritten registrieren Sie dieses { $device } bei { $organization }. Halten Sie den Gerätecode bereit.
sign-in-again-lead = { $organization } bittet Sie, sich noch einmal anzumelden, damit dieses { $device } verbunden bleibt. Verwenden Sie den Account, mit dem Sie es registriert haben.
hand-over-title = Sie sind angemeldet
hand-over-lead = Tippen Sie auf „Weiter“ und folgen Sie dann den Schritten in den Einstellungen Ihres { $device }.
sign-in-refused = Die Anmeldung ist fehlgeschlagen.
sign-in-refused-hint = Prüfen Sie Benutzername und Passwort. Wenn beides stimmt, darf Ihr Account vielleicht keine Geräte registrieren: Fragen Sie Ihren Helpdesk.
sign-in-throttled = Zu viele Versuche. Warten Sie { $minutes ->
    [one] eine Minute
   *[other] { $minutes } Minuten
  } und versuchen Sie es dann noch einmal.
sign-in-throttled-hint = Nur auf dieser Seite müssen Sie warten. Ob { $organization } Ihren Account gesperrt hat, weiß Ihr Helpdesk. Fragen Sie auch dort, wenn Sie Ihr Passwort vergessen haben.
user-name = Benutzername
password = Passwort
sign-in-button = Anmelden
show-password = Passwort anzeigen
sign-in-with = Mit { $provider } anmelden
sign-in-or-password = Oder mit Benutzername und Passwort anmelden
sign-in-not-through-hint = Sie wurden nicht angemeldet. Bitte versuchen Sie es noch einmal.
sign-in-not-through-code = Wenn es wieder fehlschlägt, nennen Sie Ihrem Helpdesk den Hilfe-Code unten.
sign-in-not-now = Die Anmeldung ist gerade nicht möglich.
sign-in-not-now-hint = Es liegt nicht an Ihrem Passwort: Ein System, das für die Anmeldung nötig ist, antwortet nicht. Versuchen Sie es in ein paar Minuten noch einmal.
sign-in-too-late = Das hat zu lange gedauert.
sign-in-too-late-hint = Für die Anmeldung haben Sie 15 Minuten Zeit. Beginnen Sie unten von vorn.
sign-in-change-password = Ändern Sie zuerst Ihr Passwort.
sign-in-change-password-hint = Ihr Passwort ist richtig, aber Sie müssen es ändern, bevor Sie es hier verwenden können. Ändern Sie es dort, wo Sie es sonst tun, zum Beispiel an einem Computer von { $organization }. Melden Sie sich dann mit dem neuen Passwort an.
sign-in-nobody = Die Anmeldung ist zurzeit ausgeschaltet. Fragen Sie Ihren Helpdesk.
sign-in-own-title = Ist das Ihr privates { $device }?
sign-in-own = Dann melden Sie sich nicht hier an. Ein privates { $device } registrieren Sie in den Einstellungen. Gehen Sie so vor:
sign-in-own-else = Wenn es { $organization } gehört, melden Sie sich unten an.
leaving-title = Einen Moment
leaving-in = Zum Anmelden leiten wir Sie zu { $site } weiter. Danach kommen Sie automatisch hierher zurück.
leaving-out = Hier sind Sie abgemeldet. Wir leiten Sie zu { $site } weiter, damit Sie auch dort abgemeldet werden.

for-whom-title = Für wen ist dieses { $device }?
for-whom-lead = Sie können Geräte für andere Personen registrieren. Alle weiteren Schritte gelten für die Person, die Sie hier angeben.
for-whom-label = Benutzername der Person
for-whom-hint = Der Benutzername, den die Person im Verzeichnis von { $organization } verwendet.
for-whom-unknown = Im Verzeichnis gibt es niemanden mit diesem Benutzernamen. Prüfen Sie die Schreibweise.
for-whom-unavailable = Das Verzeichnis antwortet zurzeit nicht. Warten Sie eine Minute und versuchen Sie es noch einmal.
for-whom-throttled = Zu viele unbekannte Benutzernamen. Warten Sie { $minutes ->
    [one] eine Minute
   *[other] { $minutes } Minuten
  } und versuchen Sie es dann noch einmal.
for-whom-no-directory = Für die Registrierung ist kein Verzeichnis eingeschaltet, darum lassen sich keine Personen suchen. Fragen Sie Ihre Administration.
for-whom-oneself-button = Es ist für mich

previous-title = { $other ->
    [yes] { $owner } hat schon ein Gerät registriert
   *[no] Sie haben schon ein Gerät registriert
  }
previous-lead = { $other ->
    [yes] { $organization } kennt diese Geräte von { $owner }.
   *[no] { $organization } kennt diese Geräte von Ihnen.
  } Wenn eines davon dieses { $device } ist, muss zuerst seine alte Verwaltung weg: Ein { $device } kann nur eine haben.
previous-since = registriert am { $date }
previous-imported = { $year ->
    [none] Mit { $source } registriert
   *[other] { $year } mit { $source } registriert
  }
previous-own = Hier registriert am { $date }
previous-own-undated = Hier registriert
previous-kind-personal-profile = Altes Profil für private Geräte
previous-kind-user = Eigener Bereich für die Arbeit
previous-kind-device = Profil, das das ganze Gerät verwaltet
previous-kind-account = Arbeits- oder Schulaccount in den Einstellungen
previous-ended = Seine Verwaltung ist entfernt. Es ist nichts mehr zu tun.
previous-all-ended = Die alte Verwaltung ist entfernt. Sie können fortfahren.
previous-answer-this = Es ist dieses { $device }
previous-answer-another = Es ist ein anderes Gerät
previous-answer-gone = { $other ->
    [yes] { $owner } hat es nicht mehr
   *[no] Ich habe es nicht mehr
  }
previous-remove = Die alte Verwaltung für mich von dem Gerät entfernen
previous-remove-hint = { $organization } fordert das Gerät dann auf, sie zu entfernen, mit den Apps, Accounts und Arbeitsdaten, die mit ihr kamen. Persönliche Daten bleiben. Wenn es dieses { $device } ist, lässt sich das neue Profil erst installieren, wenn die alte Verwaltung entfernt ist.
previous-remove-waiting = Sie haben zugestimmt, dass { $organization } die alte Verwaltung entfernt. Das Gerät wird dazu aufgefordert. Wenn es online ist, dauert das weniger als eine Minute.
previous-remove-silent = Das Gerät hat nicht geantwortet. { $organization } entfernt die alte Verwaltung, sobald das Gerät wieder online ist. Wenn es dieses { $device } ist, entfernen Sie sie selbst, wie unten beschrieben.
previous-remove-failed = Das Gerät hat die alte Verwaltung nicht entfernt. Entfernen Sie sie selbst, wie unten beschrieben.
previous-open = Sie können das offen lassen. Ihre Antwort hilft { $organization }, die Geräteliste in Ordnung zu halten.
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
previous-same-device = Wenn es dieses { $device } ist, tun Sie zuerst dies
previous-step-close = Schließen Sie diese Seite.
previous-step-open = Öffnen Sie **{ -settings }** und gehen Sie zu **{ management-row }**.{ $ios15 ->
    [yes] { "" }
   *[no] { " " }Die Zeile kann auch **Profile & Geräteverwaltung** oder **Profil** heißen.
  }
previous-step-remove = Tippen Sie auf das alte Profil der Organisation, dann auf **{ -remove-management }**, und geben Sie den Gerätecode ein.
previous-step-remove-personal = Tippen Sie auf das alte Profil, das oft **MDM Profile** heißt, dann auf **{ -remove-management }**, und geben Sie den Gerätecode ein.
previous-step-remove-account = Tippen Sie auf Ihren Arbeits- oder Schulaccount, dann auf **{ -sign-out-ios }**, und bestätigen Sie.
previous-step-remove-either = Tippen Sie auf das alte Profil der Organisation, dann auf **{ -remove-management }**. Wenn dort stattdessen ein Arbeits- oder Schulaccount ist, tippen Sie darauf, dann auf **{ -sign-out-ios }**.
previous-step-back = Kommen Sie auf diese Seite zurück.
previous-step-again = Tippen Sie auf **{ -sign-in-row }** und melden Sie sich noch einmal an.
previous-step-again-code = Tippen Sie auf **{ -sign-in-row }**, geben Sie Ihren Einladungscode noch einmal ein, und melden Sie sich an.
previous-not-there = Wenn dort nichts steht, ist die alte Verwaltung schon entfernt. Wenn die Taste fehlt, fragen Sie Ihren Helpdesk.
previous-goes = WLAN, Mail und Zertifikate, die mit der alten Verwaltung kamen, werden mit ihr entfernt. Schalten Sie darum zuerst mobile Daten oder ein anderes WLAN ein, sonst kommen Sie nicht hierher zurück.
previous-goes-certificate = Das Zertifikat installieren Sie in einem späteren Schritt wieder.
previous-other-device = Wenn es ein anderes Gerät ist
previous-other-device-text = Sie müssen nichts entfernen. Tippen Sie auf „Weiter“: Das andere Gerät bleibt, wie es ist.
previous-asks-title = Ist die alte Verwaltung von diesem { $device } entfernt?
previous-asks = Wenn die alte Verwaltung noch da ist, lehnt Ihr { $device } die Registrierung ab. Sie haben gesagt, dass es dieses { $device } ist:
previous-asks-own = { $organization } verwaltet es noch: Dass die Verwaltung entfernt wurde, ist noch nicht gemeldet. Wenn Sie danach zurückkommen, prüft diese Seite es noch einmal und geht weiter, sobald die Meldung da ist.
previous-asks-other = Es gibt keine Meldung, dass sie entfernt wurde, und diese Seite kann es nicht sehen.
previous-other-family = Es kann nicht dieses { $device } sein: Es ist eine andere Art von Gerät.
previous-wrong-family = Sie haben gesagt, dass ein Gerät einer anderen Art dieses { $device } ist. Ändern Sie diese Antwort. Ihre anderen Antworten bleiben erhalten.
previous-wrong-several = Sie haben von mehreren Geräten aus derselben Liste gesagt, dass sie dieses { $device } sind. Nur eines davon kann es sein. Ändern Sie diese Antworten. Ihre anderen Antworten bleiben erhalten.
previous-check = Noch einmal prüfen
previous-asks-steps = Wenn die alte Verwaltung noch da ist
previous-change = Meine Antworten ändern
previous-removed-button = Sie ist entfernt: weiter
previous-anyway-button = Weiter, ohne sie zu entfernen
previous-button = Weiter
record-unnamed = Ein Gerät

ownership-title = Wem gehört dieses { $device }?
ownership-lead = Von Ihrer Antwort hängt ab, wie viel { $organization } sehen und tun kann.
ownership-unanswered = Wählen Sie aus, wem es gehört.
ownership-personal = Es gehört mir
ownership-personal-text = Ihre eigenen Daten bleiben privat. { $organization } verwaltet nur die eigenen Apps, Accounts und Daten.
ownership-institutional = Es gehört { $organization }
ownership-institutional-text = { $organization } verwaltet das ganze Gerät und kann es sperren oder löschen.

terms-title = Nutzungsbedingungen
terms-lead = Lesen Sie die Nutzungsbedingungen. Um dieses { $device } zu registrieren, müssen Sie ihnen zustimmen.
terms-changed = Die Nutzungsbedingungen haben sich geändert, während Sie sie gelesen haben. Das ist der neue Text.
terms-version = Fassung { $version }
terms-on-behalf = Sie registrieren dieses Gerät für { $owner }. Stimmen Sie nur zu, wenn { $owner } einverstanden ist. Wer selbst ein Gerät registriert, wird noch einmal gefragt.
terms-accept-button = Ich stimme zu
terms-decline-button = Ich stimme nicht zu
terms-decline = Wenn Sie nicht zustimmen, werden Sie abgemeldet, und auf Ihrem { $device } ändert sich nichts.
terms-withdrawn = Sie müssen keinen Nutzungsbedingungen mehr zustimmen. Beginnen Sie von vorn, um fortzufahren.

ca-title = Zertifikat installieren
ca-lead = Mit dem Zertifikat vertraut Ihr { $device } diesem Server. Niemand sieht dadurch, was auf Ihrem { $device } ist.
ca-too-early = Tippen Sie zuerst auf „Weiter“ und installieren Sie das Zertifikat. Tippen Sie erst danach auf diese Taste.
ca-tap-continue-close = Tippen Sie unten auf **Weiter**. Wenn Safari „Diese Website versucht, ein Konfigurationsprofil zu laden. Möchtest du dies erlauben?“ meldet, tippen Sie auf **{ -allow }**. Wenn „Schließe die Installation dieses Profils in der App ‚Einstellungen‘ ab.“ erscheint, tippen Sie auf **{ -close }**.
ca-tap-continue-settings = Tippen Sie unten auf **Weiter**. Wenn Safari „Diese Website versucht, die Einstellungen zu öffnen, um dir ein Konfigurationsprofil zu zeigen. Möchtest du dies erlauben?“ meldet, tippen Sie auf **{ -allow }**.
ca-tap-continue = Tippen Sie unten auf **Weiter**. Die Einstellungen zeigen das Profil.
open-downloaded = Öffnen Sie **{ -settings }** und tippen Sie auf **{ -profile-downloaded }**.
ca-install = Tippen Sie auf **{ -install }** und geben Sie den Gerätecode ein. Tippen Sie noch einmal auf **{ -install }** und, falls Sie gefragt werden, ein drittes Mal. Tippen Sie dann auf **{ -done }**.
ca-trust = Gehen Sie in **{ -settings }** zu **{ -trust-settings }** und schalten Sie **{ $certificate }** ein. Falls Sie gefragt werden, tippen Sie auf **{ -ios-continue }**.
ca-come-back = Kommen Sie zu Safari zurück und tippen Sie auf **Ich habe es installiert**.
screen-next = Nächster Schritt
screen-back = Zurück
ca-why-title = Wozu ist das nötig?
ca-why = Der Server Ihrer Organisation verwendet ein eigenes Zertifikat. Ohne diesen Schritt bricht der nächste mit „Profilinstallation fehlgeschlagen“ ab.
eight-minutes-title = Sie haben acht Minuten Zeit
eight-minutes = Ihr { $device } behält ein geladenes Profil acht Minuten lang. Laden Sie es danach noch einmal.

maid-title = { $ios18 ->
    [yes] Ihr verwalteter Apple Account
   *[no] Ihre verwaltete Apple-ID
  }
maid-lead = { $organization } hat Ihnen diesen Account für die Arbeit gegeben. Es ist nicht Ihr privater Account für den App Store oder iCloud.
maid-label = { account-name }
maid-hint = Der Account sieht aus wie eine E-Mail-Adresse, zum Beispiel ada@example.com.
maid-hint-domains = Der Account endet mit { $domains }.
maid-invalid = Das ist kein Accountname. Ein Accountname sieht aus wie eine E-Mail-Adresse, zum Beispiel ada@example.com.
maid-domain = Accounts dieser Organisation enden mit { $domains }.
maid-why-title = Wozu wird er verwendet?
maid-why = Gleich bittet Ihr Gerät Sie in den Einstellungen, sich mit diesem Account anzumelden. Das Passwort geben Sie Apple. Dieser Server sieht es nie.

mdm-title = Dieses { $device } registrieren
mdm-lead-personal = Das ist der letzte Schritt. { $organization } bekommt auf Ihrem { $device } einen eigenen Bereich für die Arbeit. Ihre eigenen Daten gehören weiterhin Ihnen.
mdm-lead-institutional = Das ist der letzte Schritt. Danach verwaltet { $organization } dieses { $device }.
mdm-tap-continue-close = Tippen Sie unten auf **Weiter**. Wenn Safari „Diese Website versucht, ein Konfigurationsprofil zu laden. Möchtest du dies erlauben?“ meldet, tippen Sie auf **{ -allow }**. Wenn „Schließe die Installation dieses Profils in der App ‚Einstellungen‘ ab.“ erscheint, tippen Sie auf **{ -close }**.
mdm-tap-continue-settings = Tippen Sie unten auf **Weiter**. Wenn Safari „Diese Website versucht, die Einstellungen zu öffnen, um dir ein Konfigurationsprofil zu zeigen. Möchtest du dies erlauben?“ meldet, tippen Sie auf **{ -allow }**.
mdm-tap-continue = Tippen Sie unten auf **Weiter**. Die Einstellungen zeigen das Profil.
mdm-open-downloaded = Öffnen Sie **{ -settings }** und tippen Sie auf **{ -profile-downloaded }** oder **{ enroll-in }**.
mdm-enroll-my = Tippen Sie auf **{ enroll-my }** und geben Sie den Gerätecode ein.
mdm-account-password = { $ios18 ->
    [yes] Tippen Sie auf **{ -ios-continue }** und melden Sie sich mit Ihrem verwalteten Apple Account an.
   *[no] Tippen Sie auf **{ -ios-continue }** und melden Sie sich mit Ihrer verwalteten Apple-ID an.
  } Das Passwort geht an Apple, nicht an diesen Server.
mdm-install = Tippen Sie auf **{ -install }** und geben Sie den Gerätecode ein. Tippen Sie dann noch einmal auf **{ -install }**.
mdm-verified = Ihr { $device } teilt mit, welches Gerät es ist, und wird geprüft. Wenn es das Profil für die entfernte Verwaltung zeigt, tippen Sie auf **{ -install }**.
mdm-trust = Wenn Sie nach der entfernten Verwaltung gefragt werden, tippen Sie auf **{ -trust }**, dann auf **{ -done }**.
mdm-come-back = Kommen Sie zu Safari zurück und tippen Sie auf **Ich habe es installiert**.
mdm-account-title = { $ios18 ->
    [yes] Ihr verwalteter Apple Account
   *[no] Ihre verwaltete Apple-ID
  }

about-title = Was Ihre Organisation sehen kann
about-lead = Apple legt fest, was eine Organisation tun kann. Diese Grenzen gelten für { $organization }.
about-personal = Wenn das Gerät Ihnen gehört
about-institutional = Wenn es { $organization } gehört
about-cannot = { $organization } kann nicht
about-can = { $organization } kann
cannot-read = Ihre Nachrichten, E-Mails, Fotos, Anrufe oder besuchten Websites sehen
cannot-locate = sehen, wo Sie sind
cannot-apps = die Apps sehen, die Sie selbst installiert haben
cannot-identify = Seriennummer, Telefonnummer oder eine andere dauerhafte Kennung des Geräts sehen
cannot-erase = das Gerät löschen oder Ihren Gerätecode entfernen
can-model = Modell und iOS-Version sehen und ob das Gerät aktuell ist
can-work-apps = eigene Apps, Accounts und Einstellungen installieren, entfernen und sehen
can-passcode = einen Gerätecode verlangen
can-remove-own = entfernen, was sie selbst installiert hat, wenn Sie gehen
can-identify = Namen, Seriennummer und Telefonnummer des Geräts sehen
can-all-apps = jede installierte App sehen
can-restrict = Apps und Einstellungen installieren und einschränken, was das Gerät kann
can-lock = das Gerät sperren, seinen Gerätecode entfernen oder alles darauf löschen
about-leave-title = Mit einem privaten Gerät können Sie jederzeit aufhören
about-leave = Öffnen Sie **{ -settings }** › **{ management-row }**, tippen Sie auf das Profil von { $organization } und auf **{ -remove-management }**. Damit werden auch die Apps und Daten der Organisation entfernt.
about-managed-title = { $organization } verwaltet die eigenen Geräte
about-managed = { $organization } entscheidet, wie lange. Fragen Sie dort, bevor Sie das Profil entfernen, und auch, wenn etwas nicht funktioniert.

complete-title-waiting = Warten auf Ihr { $device }
complete-lead-waiting = Sobald das geladene Profil installiert ist, sehen Sie es auf dieser Seite.
complete-title-installing = Fast fertig
complete-lead-installing = Ihr { $device } ist verbunden und schließt die Einrichtung ab.
complete-title-enrolled = Ihr { $device } ist registriert
complete-lead-enrolled = { $organization } verwaltet es jetzt. Sie können diese Seite schließen.
complete-title-ended = Diese Registrierung ist beendet
complete-lead-ended = Das Profil dieser Registrierung wurde entfernt, oder das { $device } wurde noch einmal registriert. Wenn Sie es registrieren wollen, beginnen Sie von vorn.
complete-refreshing = Diese Seite wird alle paar Sekunden aktualisiert.
complete-not-refreshing = Diese Seite wird nicht automatisch aktualisiert. Tippen Sie zum Prüfen auf die Taste.
complete-still = Nicht automatisch aktualisieren
complete-back-button = Zurück zur Anleitung
complete-before-title = Ihre Geräte, vorher und jetzt
complete-before = Vorher
complete-now = Jetzt
complete-now-enrolled = Registriert
complete-state-ended = Verwaltung entfernt
complete-state-managed = Nicht als entfernt gemeldet
complete-state-unknown = Wir können nicht sehen, ob seine Verwaltung entfernt wurde
complete-fate-linked = { $organization } hat beide verknüpft: Dieses { $device } ist an die Stelle des alten Eintrags getreten.
complete-fate-ended = Die alte Verwaltung ist beendet. { $organization } behält ihren Eintrag nur noch als Verlauf.
complete-fate-check = { $organization } prüft, ob dieses { $device } an die Stelle des alten Eintrags getreten ist, und kann ihn dann schließen. Sie müssen nichts tun.
complete-fate-another = Es ist ein anderes Gerät. Es bleibt, wie es ist.
complete-fate-gone = { $other ->
    [yes] { $owner } hat es nicht mehr. { $organization } kann seinen Eintrag schließen.
   *[no] Sie haben es nicht mehr. { $organization } kann seinen Eintrag schließen.
  }
causes-title = Wenn Ihr { $device } einen Fehler zeigt
cause-old = Ein altes Verwaltungsprofil ist noch installiert
cause-old-then = Gehen Sie dann zurück zur Anleitung und laden Sie das neue Profil.
cause-old-by-account = Tippen Sie dann auf **{ -sign-in-row }** und melden Sie sich noch einmal an.
cause-trust = Das Zertifikat ist nicht eingeschaltet
cause-trust-do = Gehen Sie in den **{ -settings }** zu **{ -trust-settings }** und schalten Sie das Zertifikat von { $organization } ein. Laden Sie dann das neue Profil noch einmal.
cause-expired = Das geladene Profil ist abgelaufen
self-service-title = Noch etwas
self-service = { $organization } bietet Apps in Self Service an. Laden Sie es aus dem App Store.
self-service-button = Self Service laden
app-title = Self Service
app-coming = Self Service ist auf dem Weg zu Ihrem { $device }.
app-prompting = Ihr { $device } fragt, ob Self Service installiert werden soll. Tippen Sie auf „Installieren“.
app-sign-in = Der App Store fragt nach einer Apple-ID. Melden Sie sich dort an, dann wird Self Service installiert.
app-installing = Self Service wird gerade installiert.
app-by-their-own-doing = Der App Store installiert Self Service bereits.
app-installed = Self Service ist installiert.
app-refused = Sie haben Self Service nicht installiert. Sie können es immer noch laden.
app-not-licensed = Für Sie gibt es noch keine Lizenz für Self Service. { $organization } muss eine zuweisen.
app-failed = Self Service konnte nicht installiert werden.

stopped-old-title = Dieses { $device } braucht ein neueres iOS
stopped-old-lead = Es hat Version { $version }. Ein privates Gerät braucht Version 13.1 oder neuer. Ein älteres würde als Ganzes verwaltet, und das haben Sie nicht gewählt.
stopped-old-update = Öffnen Sie **{ -settings } › Allgemein › Softwareupdate** und installieren Sie das Update.
stopped-old-again = Öffnen Sie dann diese Seite noch einmal.
stopped-account-title = In den Einstellungen registrieren
stopped-account-lead = Ihr privates { $device } registrieren Sie, indem Sie sich in den Einstellungen anmelden, ohne ein Profil von dieser Seite.
stopped-account-open = Öffnen Sie **{ -settings }**, tippen Sie auf **Allgemein**, dann auf **VPN und Geräteverwaltung**.
stopped-account-sign-in = Tippen Sie auf **{ -sign-in-row }**.
stopped-account-account = Geben Sie den Account ein, den Sie von Ihrer Organisation haben (er enthält ein @), und tippen Sie auf **{ -ios-continue }**.
stopped-account-page = Eine Seite von { $organization } öffnet sich. Melden Sie sich dort genauso an wie hier.
stopped-account-password = Wenn Ihr { $device } danach fragt, geben Sie das Passwort Ihres Accounts ein und tippen Sie auf **{ -ios-continue }**.
stopped-account-allow = Tippen Sie auf **{ -allow-management }** und geben Sie den Gerätecode ein, falls Sie danach gefragt werden.
stopped-account-yours = Ihr Account ist **{ $account }**.
stopped-account-lost = Wenn Ihr { $device } Ihre Organisation nicht findet, fragen Sie Ihren Helpdesk.
stopped-no-account-title = Dieses { $device } kann hier nicht registriert werden
stopped-no-account-lead = Seit iOS 18 registriert man ein privates { $device } durch eine Anmeldung in den Einstellungen. { $organization } bietet das nicht an.
stopped-by-account = Sie können diese Seite jetzt schließen.
stopped-mode-title = Ihr { $device } hat sich auf andere Art registriert
stopped-mode-lead = Es hat das Profil für eine andere Art der Registrierung verwendet, als Sie gewählt haben; darum hat der Server es abgelehnt. Über Ihr { $device } wurden keine Daten gespeichert.
stopped-mode-remove = Öffnen Sie **{ -settings } › { management-row }**. Wenn dort ein Profil von { $organization } ist, tippen Sie darauf und auf **{ -remove-management }**.
stopped-mode-version = Prüfen Sie unter **{ -settings } › Allgemein › Info** die iOS-Version.
stopped-mode-again = Beginnen Sie hier von vorn. Wenn es noch einmal passiert, fragen Sie Ihren Helpdesk und nennen Sie den Hilfe-Code.
stopped-permitted-title = Sie dürfen dieses { $device } nicht registrieren
stopped-permitted-lead = { $other ->
    [yes] { $organization } erlaubt { $owner } nicht, dieses { $device } hier zu registrieren.
   *[no] Sie sind angemeldet, aber { $organization } erlaubt Ihrem Account nicht, dieses { $device } hier zu registrieren.
  }
stopped-permitted-ask = Wenn Sie glauben, dass es möglich sein sollte, fragen Sie Ihren Helpdesk und nennen Sie den Hilfe-Code unten.
stopped-permitted-again = Wenn Sie dafür einen anderen Account haben, beginnen Sie mit diesem von vorn.
stopped-unknown-title = Wir konnten nicht prüfen, ob Sie dieses { $device } registrieren dürfen
stopped-unknown-lead = Der Dienst, mit dem Sie sich angemeldet haben, hat { $organization } nicht mitgeteilt, was für die Entscheidung nötig ist. Sie haben nichts falsch gemacht.
stopped-unknown-ask = Fragen Sie Ihren Helpdesk und nennen Sie den Hilfe-Code unten. Die Administration muss eine Einstellung ändern.
stopped-restricted-title = Dieses { $device } ist für jemand anderen registriert
stopped-restricted-lead = { $organization } verwaltet dieses { $device } noch für eine andere Person, und nur sie kann es wieder registrieren.
stopped-restricted-ask = Wenn Sie das { $device } übernommen haben, bitten Sie Ihren Helpdesk, den alten Eintrag zu entfernen, und nennen Sie den Hilfecode unten.
stopped-many-title = Es können keine weiteren Geräte registriert werden
stopped-many-lead = { $other ->
    [yes] { $owner } hat bereits die Höchstzahl an Geräten registriert, die { $organization } gleichzeitig erlaubt: { $limit }.
   *[no] Sie haben bereits die Höchstzahl an Geräten registriert, die { $organization } Ihnen gleichzeitig erlaubt: { $limit }.
  }
stopped-many-devices = Registrierte Geräte
stopped-many-remove = Öffnen Sie auf einem Gerät, das nicht mehr gebraucht wird, **{ -settings } › { management-row }**, tippen Sie auf das Profil von { $organization } und auf **{ -remove-management }**.
stopped-many-gone = Wenn das Gerät verloren ist, gelöscht wurde oder jetzt jemand anderem gehört, bitten Sie Ihren Helpdesk, es von der Liste zu nehmen. Nennen Sie den Hilfe-Code unten.
stopped-many-again = Beginnen Sie dann hier von vorn.
stopped-below-title = Dieses { $device } braucht ein neueres iOS
stopped-below-lead = { $version ->
    [unknown] Seine Version ist älter, als { $organization } erlaubt.
   *[known] Es hat Version { $version }. Das ist älter, als { $organization } erlaubt.
  } { $limit ->
    [none] Beginnen Sie von vorn: Die Grenze hat sich vielleicht geändert.
   *[given] Es muss { $limit } oder neuer sein.
  }
stopped-below-no-update = Wenn dort keine neuere Version angeboten wird, kann dieses { $device } nicht registriert werden. Fragen Sie Ihren Helpdesk nach einem anderen.
stopped-above-title = Diese iOS-Version ist noch nicht erlaubt
stopped-above-lead = { $version ->
    [unknown] Seine Version ist neuer, als { $organization } erlaubt.
   *[known] Dieses { $device } hat Version { $version }. Das ist neuer, als { $organization } erlaubt.
  } { $limit ->
    [none] Beginnen Sie von vorn: Die Grenze hat sich vielleicht geändert.
   *[given] Die neueste erlaubte Version ist { $limit }.
  }
stopped-above-ask = Sie können nicht zu einer älteren Version zurückkehren. Fragen Sie Ihren Helpdesk, wann diese Version erlaubt wird, und nennen Sie den Hilfe-Code unten.
stopped-model-title = Dieses Modell kann nicht registriert werden
stopped-model-lead = { $limit ->
    [none] { $organization } registriert keine Geräte dieses Modells.
   *[given] { $organization } registriert nur: { $limit }.
  }
stopped-genuine-title = Dieses { $device } konnte nicht geprüft werden
stopped-genuine-lead = { $organization } registriert nur Geräte, die nachweisen, dass sie von Apple sind. Der Nachweis dieses { $device } wurde nicht anerkannt. Über Ihr { $device } wurden keine Daten gespeichert.
stopped-other-title = Ein anderes Gerät hat das Profil installiert
stopped-other-lead = Das Profil war für das { $device } bestimmt, das geprüft wurde. Ein anderes Gerät hat es installiert, darum hat der Server es abgelehnt. Über das andere Gerät wurden keine Daten gespeichert.
stopped-other-again = Beginnen Sie hier von vorn und installieren Sie das Profil auf diesem { $device }.

invitation-title = Sie sind zur Registrierung eingeladen
invitation-lead = { $organization } lädt Sie ein, Ihr iPhone oder iPad zu registrieren.
invitation-lead-again = { $organization } lädt Sie ein, Ihr iPhone oder iPad noch einmal zu registrieren, mit der neuen Verwaltung.
invitation-sign-in = Als Nächstes melden Sie sich mit Ihrem Account von { $organization } an. Die Einladung gilt für eine Person und nur einmal.
invitation-in-settings = Dieses { $device } registrieren Sie in den Einstellungen. Auf der nächsten Seite erhalten Sie einen Code, den Sie dort eingeben.
invitation-show-code = Code anzeigen
invitation-code-title = Weiter in den Einstellungen
invitation-code-lead = Geben Sie diesen Code in den Einstellungen ein, bevor Sie sich dort anmelden.
invitation-code-yours = Ihr Einladungscode:
invitation-code-minutes = Der Code gilt { $minutes ->
    [one] eine Minute
   *[other] { $minutes } Minuten
  }. Geben Sie ihn auf diesem { $device } ein.
invitation-code-type = Eine Seite von { $organization } öffnet sich. Tippen Sie auf **Ich habe einen Einladungscode**, geben Sie den Code ein, und melden Sie sich an.
invitation-code-again = Neuen Code anzeigen
invitation-code-of-yours = Eine Seite von { $organization } öffnet sich. Tippen Sie auf **Ich habe einen Einladungscode**, geben Sie **{ $code }** ein, und melden Sie sich an.
invitation-invited = Sie wurden eingeladen.
invitation-invited-hint = Melden Sie sich mit dem Account an, für den die Einladung bestimmt ist.
invitation-have-code = Ich habe einen Einladungscode
invitation-code-field = Einladungscode
invitation-code-use = Code verwenden
invitation-code-wrong = Zu diesem Code gibt es keine Einladung.
invitation-code-throttled = Zu viele falsche Codes. Warten Sie ein paar Minuten, und versuchen Sie es noch einmal.
invitation-code-wrong-hint = Prüfen Sie den Code, oder bitten Sie um eine neue Einladung. Sie können sich auch ohne Code anmelden.
invitation-closed-title = Diese Einladung kann nicht verwendet werden
invitation-unknown = Der Link dieser Einladung ist nicht vollständig, oder es gibt die Einladung nicht.
invitation-replaced = Diese Einladung wurde durch eine neuere ersetzt. Verwenden Sie den neuesten Link oder Code, den Sie erhalten haben.
invitation-expired = Diese Einladung ist abgelaufen.
invitation-revoked = Diese Einladung wurde zurückgezogen.
invitation-used = Diese Einladung wurde schon verwendet.
invitation-on-device = Diese Einladung gilt für ein bestimmtes iPhone oder iPad. Öffnen Sie sie dort, auf dem Home-Bildschirm.
invitation-too-often = Diese Einladung wurde zu oft geöffnet.
invitation-other-person = Diese Einladung ist für eine andere Person bestimmt. Für sie bleibt die Einladung gültig.
invitation-goes-on = Sie können Ihr { $device } ohne die Einladung registrieren.
invitation-closed-ask = Bitten Sie die Person oder Stelle, die Sie eingeladen hat, um eine neue Einladung.
invitation-closed-without = Sie können sich auch ohne Einladung registrieren.
invitation-without-button = Ohne Einladung registrieren
invitation-desktop-open = Oder öffnen Sie dort diesen Link in Safari:

desktop-title = Weiter auf Ihrem iPhone oder iPad
desktop-lead = Scannen Sie diesen Code mit der Kamera des iPhone oder iPad, das Sie registrieren wollen.
desktop-qr = QR-Code der Adresse { $address }
desktop-type = Oder geben Sie diese Adresse in Safari ein:
desktop-untrusted-title = Safari zeigt zuerst eine Warnung
desktop-untrusted = Ihr Gerät kennt diesen Server noch nicht, darum meldet Safari „Diese Verbindung ist nicht privat“. Bei der Adresse oben ist das zu erwarten. Tippen Sie auf **Details einblenden**, dann auf **diese Website besuchen**, und bestätigen Sie mit **Website besuchen**. In den ersten Schritten installieren Sie ein Zertifikat. Danach zeigt Safari die Warnung nicht mehr.
which-title = Welches Gerät verwenden Sie?
which-lead = Safari meldet, dass dies ein Mac ist. Dasselbe meldet ein iPad, und auch ein iPhone, das die Desktop-Version einer Website zeigt.
which-ipad = Das ist ein iPad
which-iphone = Das ist ein iPhone
which-mac = Das ist ein Mac
browser-title = Diese Seite in Safari öffnen
browser-lead = Nur Safari kann Ihrem { $device } ein Profil übergeben. Sie verwenden einen anderen Browser oder einen Browser in einer App.
browser-step-copy = Kopieren Sie die Adresse unten.
browser-step-open = Öffnen Sie **{ -safari }**.
browser-step-paste = Fügen Sie die Adresse oben ein.

problem-not-found-title = Seite nicht gefunden
problem-not-found = Die Adresse enthält vielleicht einen Tippfehler.
problem-not-found-do = Gehen Sie zurück zu Ihrer Registrierung. Sie geht dort weiter, wo Sie waren.
problem-method-title = Das ist hier nicht möglich
problem-method = Diese Seite unterstützt die Art nicht, auf die sie geöffnet wurde.
problem-method-do = Gehen Sie zurück zu Ihrer Registrierung und verwenden Sie dort die Tasten.
problem-bad-title = Das Formular konnte nicht gelesen werden
problem-bad = Im Formular hat etwas gefehlt.
problem-bad-do = Gehen Sie zurück und füllen Sie das Formular noch einmal aus.
problem-large-title = Zu viel Text
problem-large = Sie haben mehr gesendet, als diese Seite annimmt.
problem-large-do = Gehen Sie zurück und füllen Sie das Formular mit weniger Text aus.
problem-forged-title = Das Formular ist abgelaufen
problem-forged = Es war zu lange offen, kam von einer anderen Website, oder Ihr Browser behält keine Cookies.
problem-forged-do = Gehen Sie zurück zu Ihrer Registrierung und senden Sie das Formular noch einmal. Erlauben Sie Cookies in Safari.
problem-link-title = Dieser Link funktioniert nicht mehr
problem-link = Links zu Profilen funktionieren nur ein paar Minuten und nur in dem Schritt, zu dem sie gehören.
problem-link-do = Gehen Sie zurück zu Ihrer Registrierung und tippen Sie dort auf „Weiter“.
problem-too-often-title = Zu viele Versuche
problem-too-often = Das Profil wurde zu oft geladen oder der Account zu oft geändert.
problem-too-often-do = Melden Sie sich ab und beginnen Sie von vorn. Wenn sich das Profil nicht installieren lässt, fragen Sie Ihren Helpdesk.
problem-account-title = Bitte beginnen Sie in den Einstellungen von vorn
problem-account = Diese Seite wurde vor einer Weile oder in einem anderen Fenster aus den Einstellungen geöffnet.
problem-account-do = Schließen Sie diese Seite und tippen Sie in den Einstellungen noch einmal auf **{ -sign-in-row }**.
problem-version-title = Dieses Profil ist nicht für diese iOS-Version
problem-version = Ein privates Gerät nimmt es nur mit iOS 13.1 bis 17 an. Auf Ihrem Gerät wurde nichts geändert.
problem-version-do = Öffnen Sie die Seite dieses Servers in Safari auf dem Gerät, das Sie registrieren wollen. Sie zeigt die Schritte für dieses Gerät.
problem-push-title = Die Registrierung ist noch nicht bereit
problem-push = Der Server kann Geräte noch nicht erreichen, weil ihm das Push-Zertifikat fehlt.
problem-push-do = Das können Sie nicht selbst lösen. Sagen Sie Ihrem Helpdesk, dass das Push-Zertifikat fehlt.
problem-unavailable-title = Bitte versuchen Sie es in einer Minute noch einmal
problem-unavailable = Der Server kann zurzeit nichts speichern.
problem-unavailable-do = Warten Sie eine Minute und versuchen Sie es noch einmal. Was Sie vorher getan haben, ist gespeichert.
problem-internal-title = Hier ist etwas schiefgegangen
problem-internal = Der Fehler liegt bei uns, nicht bei Ihnen. Es ist nichts verloren gegangen.
problem-internal-do = Versuchen Sie es noch einmal. Wenn es wieder passiert, nennen Sie Ihrem Helpdesk den Hilfe-Code unten.

draw-alert = Bild der Frage auf Ihrem { $device }. Taste, auf die Sie tippen: { $tap }
draw-row = Bild einer Seite der Einstellungen. Zeile, auf die Sie tippen: { $tap }
draw-sheet = Bild einer Seite der Einstellungen. Taste, auf die Sie tippen: { $tap }
draw-switch = Bild einer Seite der Einstellungen. Schalter, den Sie einschalten: { $tap }
draw-ask = Diese Website versucht, ein Konfigurationsprofil zu laden. Möchtest du dies erlauben?
draw-ask-settings = Diese Website versucht, die Einstellungen zu öffnen, um dir ein Konfigurationsprofil zu zeigen. Möchtest du dies erlauben?
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
