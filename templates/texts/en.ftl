# The portal in English. Names of buttons and rows in iOS are exactly as iOS 12 to 27 shows them; **bold** marks them.

-allow = Allow
-close = Close
-settings = Settings
-profile-downloaded = Profile Downloaded
-install = Install
-done = Done
-ios-continue = Continue
-trust = Trust
-safari = Safari
-remove-management = Remove Management
-sign-out-ios = Sign Out
-trust-settings = General › About › Certificate Trust Settings
-sign-in-row = Sign In to Work or School Account
-allow-management = Allow Remote Management

enroll-my = Enroll My { $device }
enroll-in = Enroll in { $organization }
management-row = { $ios15 ->
    [yes] General › VPN & Device Management
   *[no] General › Device Management
  }
account-name = { $ios18 ->
    [yes] Managed Apple Account
   *[no] Managed Apple ID
  }

language-name = English
progress = Step { $now } of { $total }

signed-in-as = Signed in as { $name }
signed-in-for = Signed in as { $name }, enrolling for { $owner }
sign-out = Sign out
help-code = Help code { $code }
continue-button = Continue
installed-button = I have installed it
download-again-button = Download the profile again
back-button = Back to my enrollment
again-button = Start again
check-button = Check now
change-link = Change
about-link = What { $organization } can and cannot see
what-to-do = What to do now
help-title = Where to get help

sign-in-title = Sign in to enroll
sign-in-lead = Enroll this { $device } with { $organization } in a few steps. Keep your device passcode ready.
sign-in-again-lead = { $organization } asks you to sign in again so that this { $device } stays connected. Use the account that you enrolled it with.
hand-over-title = You are signed in
hand-over-lead = Tap “Continue”, then follow the steps in Settings on your { $device }.
sign-in-refused = Sign-in failed.
sign-in-refused-hint = Check the user name and the password. If both are right, your account may not be allowed to enroll devices: ask your help desk.
sign-in-throttled = Too many attempts. Wait { $minutes ->
    [one] a minute
   *[other] { $minutes } minutes
  }, then try again.
sign-in-throttled-hint = Only this page makes you wait. Your help desk can tell you whether { $organization } has locked your account. Ask there, too, if you forgot the password.
user-name = User name
password = Password
sign-in-button = Sign in
show-password = Show password
sign-in-with = Sign in with { $provider }
sign-in-or-password = Or sign in with user name and password
sign-in-not-through-hint = You were not signed in. Please try again.
sign-in-not-through-code = If it fails again, give your help desk the help code below.
sign-in-not-now = You cannot sign in right now.
sign-in-not-now-hint = Your password is not the problem: a system that is needed for signing in does not respond. Try again in a few minutes.
sign-in-too-late = That took too long.
sign-in-too-late-hint = You have 15 minutes to sign in. Start again below.
sign-in-change-password = Change your password first.
sign-in-change-password-hint = Your password is correct, but you must change it before you can use it here. Change it where you usually do, for example on a computer of { $organization }. Then sign in with the new one.
sign-in-nobody = Signing in is turned off at the moment. Ask your help desk.
sign-in-own-title = Is this your own { $device }?
sign-in-own = Then do not sign in here. You enroll a personal { $device } in Settings. Follow these steps:
sign-in-own-else = If it belongs to { $organization }, sign in below.
leaving-title = One moment
leaving-in = We are taking you to { $site } to sign in. You come back here automatically.
leaving-out = You are signed out here. We are taking you to { $site } so that you are signed out there, too.

for-whom-title = Who is this { $device } for?
for-whom-lead = You can enroll devices for other people. All following steps are about the person that you enter here.
for-whom-label = User name of the person
for-whom-hint = The user name that the person uses in { $organization }’s directory.
for-whom-unknown = The directory has no person with this user name. Check the spelling.
for-whom-unavailable = The directory does not respond at the moment. Wait a minute and try again.
for-whom-throttled = Too many unknown user names. Wait { $minutes ->
    [one] a minute
   *[other] { $minutes } minutes
  }, then try again.
for-whom-no-directory = No directory is turned on for enrollment, so people cannot be looked up. Ask your administrator.
for-whom-oneself-button = It is for me

previous-title = { $other ->
    [yes] { $owner } has enrolled before
   *[no] You have enrolled before
  }
previous-lead = { $other ->
    [yes] { $organization } knows these devices of { $owner }.
   *[no] { $organization } knows these devices of yours.
  } If one of them is this { $device }, its old management has to go first: an { $device } can have only one.
previous-since = enrolled on { $date }
previous-imported = { $year ->
    [none] Enrolled with { $source }
   *[other] Enrolled in { $year } with { $source }
  }
previous-own = Enrolled here on { $date }
previous-own-undated = Enrolled here
previous-kind-personal-profile = Old profile for personal devices
previous-kind-user = Separate area for work
previous-kind-device = Profile that manages the whole device
previous-kind-account = Work or school account in Settings
previous-ended = Its management is removed. There is nothing left to do.
previous-all-ended = The old management is removed. You can continue.
previous-answer-this = It is this { $device }
previous-answer-another = It is another device
previous-answer-gone = { $other ->
    [yes] { $owner } no longer has it
   *[no] I no longer have it
  }
previous-remove = Remove the old management from this record’s device for me
previous-remove-hint = { $organization } then asks that device to remove it, with the apps, accounts and work data that came with it. Personal data stays. If it is this { $device }, the new profile can be installed only after the old management is gone.
previous-remove-waiting = You agreed that { $organization } removes the old management. The device is asked to remove it, which takes less than a minute if it is online.
previous-remove-silent = The device has not answered. { $organization } removes the old management when the device is next online. If it is this { $device }, remove it yourself, as described below.
previous-remove-failed = The device did not remove the old management. Remove it yourself, as described below.
previous-open = You can leave this open. Your answer helps { $organization } to keep its list in order.
previous-more = and { $count } more
date = { $day } { $month ->
    [1] January
    [2] February
    [3] March
    [4] April
    [5] May
    [6] June
    [7] July
    [8] August
    [9] September
    [10] October
    [11] November
   *[12] December
  } { $year }
previous-same-device = If it is this { $device }, do this first
previous-step-close = Close this page.
previous-step-open = Open **{ -settings }** and go to **{ management-row }**.{ $ios15 ->
    [yes] { "" }
   *[no] { " " }The row may also be called **Profiles & Device Management** or **Profile**.
  }
previous-step-remove = Tap the organization’s old profile, then **{ -remove-management }**, and enter your passcode.
previous-step-remove-personal = Tap the old profile, which is often called **MDM Profile**, then **{ -remove-management }**, and enter your passcode.
previous-step-remove-account = Tap your work or school account, then **{ -sign-out-ios }**, and confirm.
previous-step-remove-either = Tap the organization’s old profile, then **{ -remove-management }**. If there is a work or school account instead, tap it, then **{ -sign-out-ios }**.
previous-step-back = Come back to this page.
previous-step-again = Tap **{ -sign-in-row }** and sign in again.
previous-step-again-code = Tap **{ -sign-in-row }**, type your invitation code again, and sign in.
previous-not-there = If nothing is listed there, the old management is already removed. If the button is missing, ask your help desk.
previous-goes = Wi-Fi, mail and certificates that came with the old management are removed with it. So first turn on mobile data or another Wi-Fi network, or you cannot come back here.
previous-goes-certificate = You install the certificate again in a later step.
previous-other-device = If it is another device
previous-other-device-text = There is nothing to remove. Continue: that device stays as it is.
previous-asks-title = Is the old management removed from this { $device }?
previous-asks = If the old management is still there, your { $device } refuses to enroll. You said that it is this { $device }:
previous-asks-own = { $organization } still manages it: its removal was not reported yet. When you come back after the removal, this page checks again, and goes on as soon as the report is there.
previous-asks-other = There is no report that it was removed, and this page cannot see it.
previous-other-family = It cannot be this { $device }: it is another kind of device.
previous-wrong-family = You said that a device of another kind is this { $device }. Correct that answer. Your other answers are kept.
previous-wrong-several = You said of several devices from the same list that each is this { $device }. Only one of them can be. Correct these answers. Your other answers are kept.
previous-check = Check again
previous-asks-steps = If the old management is still there
previous-change = Change my answers
previous-removed-button = It is removed: continue
previous-anyway-button = Continue without removing it
previous-button = Continue
record-unnamed = A device

ownership-title = Whose { $device } is this?
ownership-lead = Your answer decides how much { $organization } can see and do.
ownership-unanswered = Choose who owns it.
ownership-personal = It is mine
ownership-personal-text = Your own data stays private. { $organization } manages only its own apps, accounts and data.
ownership-institutional = It belongs to { $organization }
ownership-institutional-text = { $organization } manages the whole device and can lock or erase it.

terms-title = Terms of use
terms-lead = Read the terms. To enroll this { $device }, you must accept them.
terms-changed = The terms changed while you were reading. This is the new text.
terms-version = Version { $version }
terms-on-behalf = You are enrolling this device for { $owner }. Accept only if { $owner } agrees. People who enroll a device themselves are asked again.
terms-accept-button = I accept
terms-decline-button = I do not accept
terms-decline = If you do not accept, you are signed out and nothing changes on your { $device }.
terms-withdrawn = You no longer need to accept terms. Start again to continue.

ca-title = Install the certificate
ca-lead = The certificate lets your { $device } trust this server. It does not show anyone what is on your { $device }.
ca-too-early = First tap “Continue” and install the certificate. After that, tap this button.
ca-tap-continue-close = Tap **Continue** below. When Safari says “This website is trying to download a configuration profile. Do you want to allow this?”, tap **{ -allow }**. When it says “Complete installation of this profile in the Settings app.”, tap **{ -close }**.
ca-tap-continue-settings = Tap **Continue** below. When Safari says “This website is trying to open Settings to show you a configuration profile. Do you want to allow this?”, tap **{ -allow }**.
ca-tap-continue = Tap **Continue** below. Settings shows the profile.
open-downloaded = Open **{ -settings }** and tap **{ -profile-downloaded }**.
ca-install = Tap **{ -install }** and enter your passcode. Tap **{ -install }** again, and once more if asked. Then tap **{ -done }**.
ca-trust = In **{ -settings }**, go to **{ -trust-settings }** and turn on **{ $certificate }**. If asked, tap **{ -ios-continue }**.
ca-come-back = Come back to Safari and tap **I have installed it**.
screen-next = Next
screen-back = Back
ca-why-title = Why is this needed?
ca-why = Your organization’s server uses its own certificate. Without this step, the next one fails with “Profile Installation Failed”.
eight-minutes-title = You have eight minutes
eight-minutes = Your { $device } keeps a downloaded profile for eight minutes. After that, download it again.

maid-title = Your { account-name }
maid-lead = { $organization } gave you this account for work. It is not your private account for the App Store or iCloud.
maid-label = { account-name }
maid-hint = It looks like an email address, for example ada@example.com.
maid-hint-domains = It ends with { $domains }.
maid-invalid = This is not an account name. An account name looks like an email address, for example ada@example.com.
maid-domain = Accounts for this organization end with { $domains }.
maid-why-title = What is it used for?
maid-why = In a moment, your device asks you to sign in with this account in Settings. You give the password to Apple. This server never sees it.

mdm-title = Enroll this { $device }
mdm-lead-personal = This is the last step. { $organization } gets a separate area for work on your { $device }. Your own data stays yours.
mdm-lead-institutional = This is the last step. After it, { $organization } manages this { $device }.
mdm-tap-continue-close = Tap **Continue** below. When Safari says “This website is trying to download a configuration profile. Do you want to allow this?”, tap **{ -allow }**. When it says “Complete installation of this profile in the Settings app.”, tap **{ -close }**.
mdm-tap-continue-settings = Tap **Continue** below. When Safari says “This website is trying to open Settings to show you a configuration profile. Do you want to allow this?”, tap **{ -allow }**.
mdm-tap-continue = Tap **Continue** below. Settings shows the profile.
mdm-open-downloaded = Open **{ -settings }** and tap **{ -profile-downloaded }** or **{ enroll-in }**.
mdm-enroll-my = Tap **{ enroll-my }** and enter your passcode.
mdm-account-password = Tap **{ -ios-continue }** and sign in with your { account-name }. The password goes to Apple, not to this server.
mdm-install = Tap **{ -install }** and enter your passcode. Then tap **{ -install }** again.
mdm-verified = Your { $device } identifies itself and is checked. When it shows the profile for remote management, tap **{ -install }**.
mdm-trust = When asked about remote management, tap **{ -trust }**, then **{ -done }**.
mdm-come-back = Come back to Safari and tap **I have installed it**.
mdm-account-title = Your { account-name }

about-title = What your organization can see
about-lead = Apple defines what an organization can do. These limits apply to { $organization }.
about-personal = If the device is yours
about-institutional = If it belongs to { $organization }
about-cannot = { $organization } cannot
about-can = { $organization } can
cannot-read = see your messages, email, photos, calls or browsing history
cannot-locate = see where you are
cannot-apps = see the apps you installed yourself
cannot-identify = see the serial number, the phone number or any other permanent identifier of the device
cannot-erase = erase the device or remove your passcode
can-model = see the model, the iOS version and whether the device is up to date
can-work-apps = install, remove and see its own apps, accounts and settings
can-passcode = require a passcode
can-remove-own = remove what it installed when you leave
can-identify = see the name, serial number and phone number of the device
can-all-apps = see every app that is installed
can-restrict = install apps and settings, and restrict what the device can do
can-lock = lock the device, remove its passcode, or erase everything on it
about-leave-title = You can leave at any time with your own device
about-leave = Open **{ -settings }** › **{ management-row }**, tap the profile of { $organization } and **{ -remove-management }**. This also removes the organization’s apps and data.
about-managed-title = { $organization } manages its own devices
about-managed = { $organization } decides for how long. Ask { $organization } before you remove the profile, and if something does not work.

complete-title-waiting = Waiting for your { $device }
complete-lead-waiting = When the downloaded profile is installed, you see it on this page.
complete-title-installing = Almost there
complete-lead-installing = Your { $device } is connected and is finishing its setup.
complete-title-enrolled = Your { $device } is enrolled
complete-lead-enrolled = { $organization } now manages it. You can close this page.
complete-title-ended = This enrollment has ended
complete-lead-ended = The profile of this enrollment was removed, or the { $device } was enrolled again. If you want to enroll it, start again.
complete-refreshing = This page updates every few seconds.
complete-not-refreshing = This page does not update automatically. Tap the button to check.
complete-still = Do not update automatically
complete-back-button = Back to the instructions
complete-before-title = Your devices, before and now
complete-before = Before
complete-now = Now
complete-now-enrolled = Enrolled
complete-state-ended = Management removed
complete-state-managed = No report that it was removed
complete-state-unknown = We cannot see whether its management was removed
complete-fate-linked = { $organization } has linked both: this { $device } took the place of the old record.
complete-fate-ended = The old management has ended. { $organization } keeps its record as history.
complete-fate-check = { $organization } checks whether this { $device } took the place of the old record, and can then close it. You do not need to do anything.
complete-fate-another = It is another device. It stays as it is.
complete-fate-gone = { $other ->
    [yes] { $owner } no longer has it. { $organization } can close its record.
   *[no] You no longer have it. { $organization } can close its record.
  }
causes-title = If your { $device } shows an error
cause-old = An old management profile is still installed
cause-old-then = Then go back to the instructions and download the new profile.
cause-old-by-account = Then tap **{ -sign-in-row }** and sign in again.
cause-trust = The certificate is not turned on
cause-trust-do = In **{ -settings }**, go to **{ -trust-settings }** and turn on the certificate of { $organization }. Then download the new profile again.
cause-expired = The downloaded profile has expired
self-service-title = One more thing
self-service = { $organization } offers its apps in Self Service. Get it from the App Store.
self-service-button = Get Self Service
app-title = Self Service
app-coming = Self Service is on its way to your { $device }.
app-prompting = Your { $device } asks whether to install Self Service. Tap “Install”.
app-sign-in = The App Store asks for an Apple ID. Sign in there, and Self Service is installed.
app-installing = Self Service is being installed.
app-by-their-own-doing = The App Store is already installing Self Service.
app-installed = Self Service is installed.
app-refused = You chose not to install Self Service. You can still get it.
app-not-licensed = You do not have a licence for Self Service yet. { $organization } has to assign one.
app-failed = Self Service could not be installed.

stopped-old-title = This { $device } needs a newer iOS
stopped-old-lead = It has version { $version }. A personal device needs version 13.1 or newer. An older device would be managed as a whole, and that is not what you chose.
stopped-old-update = Open **{ -settings } › General › Software Update** and update.
stopped-old-again = Then open this page again.
stopped-account-title = Enroll in Settings instead
stopped-account-lead = You enroll your personal { $device } by signing in under Settings, without a profile from this page.
stopped-account-open = Open **{ -settings }**, tap **General**, then **VPN & Device Management**.
stopped-account-sign-in = Tap **{ -sign-in-row }**.
stopped-account-account = Enter the account that your organization gave you (it contains an @), and tap **{ -ios-continue }**.
stopped-account-page = A page of { $organization } opens. Sign in there as you did here.
stopped-account-password = When your { $device } asks for it, enter the password of your account and tap **{ -ios-continue }**.
stopped-account-allow = Tap **{ -allow-management }** and enter your device passcode if asked.
stopped-account-yours = Your account is **{ $account }**.
stopped-account-lost = If your { $device } cannot find your organization, ask your help desk.
stopped-no-account-title = This { $device } cannot be enrolled here
stopped-no-account-lead = Since iOS 18, a personal { $device } is enrolled by signing in under Settings. { $organization } does not offer this.
stopped-by-account = You can close this page now.
stopped-mode-title = Your { $device } used another kind of enrollment
stopped-mode-lead = It used the profile for another kind of enrollment than the one you chose, so the server refused it. No data about your { $device } was kept.
stopped-mode-remove = Open **{ -settings } › { management-row }**. If a profile of { $organization } is there, tap it and **{ -remove-management }**.
stopped-mode-version = In **{ -settings } › General › About**, check the iOS version.
stopped-mode-again = Start again here. If it happens again, ask your help desk and give them the help code.
stopped-permitted-title = You are not allowed to enroll this { $device }
stopped-permitted-lead = { $other ->
    [yes] { $organization } does not allow { $owner } to enroll this { $device } here.
   *[no] You signed in, but { $organization } does not allow your account to enroll this { $device } here.
  }
stopped-permitted-ask = If you think you should be able to, ask your help desk and give them the help code below.
stopped-permitted-again = If you have another account for this, start again with that account.
stopped-unknown-title = We could not check whether you may enroll this { $device }
stopped-unknown-lead = The service that you signed in with did not send { $organization } the information that is needed to decide. You did nothing wrong.
stopped-unknown-ask = Ask your help desk and give them the help code below. An administrator has to change a setting.
stopped-restricted-title = This { $device } is enrolled for someone else
stopped-restricted-lead = { $organization } still manages this { $device } for another person, and only they can enroll it again.
stopped-restricted-ask = If the { $device } was handed over to you, ask your help desk to remove the old entry, and give them the help code below.
stopped-many-title = No more devices can be enrolled
stopped-many-lead = { $other ->
    [yes] { $owner } already has the maximum number of devices that { $organization } allows at a time: { $limit }.
   *[no] You already have the maximum number of devices that { $organization } allows you at a time: { $limit }.
  }
stopped-many-devices = Enrolled devices
stopped-many-remove = On a device that is no longer needed, open **{ -settings } › { management-row }**, tap the profile of { $organization } and **{ -remove-management }**.
stopped-many-gone = If the device is lost, erased or now belongs to someone else, ask your help desk to remove it from the list. Give them the help code below.
stopped-many-again = Then start again here.
stopped-below-title = This { $device } needs a newer iOS
stopped-below-lead = { $version ->
    [unknown] Its version is older than { $organization } allows.
   *[known] It has version { $version }, which is older than { $organization } allows.
  } { $limit ->
    [none] Start again: the limit may have changed.
   *[given] It must be { $limit } or newer.
  }
stopped-below-no-update = If no newer version is offered there, this { $device } cannot be enrolled. Ask your help desk for another one.
stopped-above-title = This version of iOS is not allowed yet
stopped-above-lead = { $version ->
    [unknown] Its version is newer than { $organization } allows.
   *[known] This { $device } has version { $version }, which is newer than { $organization } allows.
  } { $limit ->
    [none] Start again: the limit may have changed.
   *[given] The newest allowed version is { $limit }.
  }
stopped-above-ask = You cannot go back to an older version. Ask your help desk when this version will be allowed, and give them the help code below.
stopped-model-title = This model cannot be enrolled
stopped-model-lead = { $limit ->
    [none] { $organization } does not enroll devices of this model.
   *[given] { $organization } enrolls only: { $limit }.
  }
stopped-genuine-title = This { $device } could not be checked
stopped-genuine-lead = { $organization } enrolls only devices that prove to be from Apple. The proof of this { $device } was not accepted. No data about your { $device } was kept.
stopped-other-title = Another device installed the profile
stopped-other-lead = The profile was made for the { $device } that was checked. Another device installed it, so the server refused it. No data about the other device was kept.
stopped-other-again = Start again here, and install the profile on this { $device }.

invitation-title = You are invited to enroll
invitation-lead = { $organization } invites you to enroll your iPhone or iPad.
invitation-lead-again = { $organization } invites you to enroll your iPhone or iPad again, with its new management.
invitation-sign-in = Next you sign in with your account of { $organization }. The invitation is for one person and works once.
invitation-in-settings = You enroll this { $device } in Settings. On the next page you get a code that you type there.
invitation-show-code = Show the code
invitation-code-title = Continue in Settings
invitation-code-lead = Type this code in Settings before you sign in there.
invitation-code-yours = Your invitation code:
invitation-code-minutes = The code works for { $minutes ->
    [one] one minute
   *[other] { $minutes } minutes
  }. Type it on this { $device }.
invitation-code-type = A page of { $organization } opens. Tap **I have an invitation code**, type the code, then sign in.
invitation-code-again = Show a new code
invitation-code-of-yours = A page of { $organization } opens. Tap **I have an invitation code**, type **{ $code }**, then sign in.
invitation-invited = You were invited.
invitation-invited-hint = Sign in with the account that the invitation is for.
invitation-have-code = I have an invitation code
invitation-code-field = Invitation code
invitation-code-use = Use the code
invitation-code-wrong = This is not the code of an invitation.
invitation-code-throttled = Too many wrong codes. Wait a few minutes, then try again.
invitation-code-wrong-hint = Check the code, or ask for a new invitation. You can also sign in without a code.
invitation-closed-title = This invitation cannot be used
invitation-unknown = The link of this invitation is not complete, or there is no such invitation.
invitation-replaced = This invitation was replaced by a newer one. Use the newest link or code that you received.
invitation-expired = This invitation has expired.
invitation-revoked = This invitation was withdrawn.
invitation-used = This invitation was used already.
invitation-on-device = This invitation is for one iPhone or iPad. Open it there, from its Home Screen.
invitation-too-often = This invitation was opened too often.
invitation-other-person = This invitation is for somebody else. It stays valid for them.
invitation-goes-on = You can enroll your { $device } without it.
invitation-closed-ask = Ask whoever invited you for a new invitation.
invitation-closed-without = You can also enroll without an invitation.
invitation-without-button = Enroll without an invitation
invitation-desktop-open = Or open this link in Safari there:

desktop-title = Continue on your iPhone or iPad
desktop-lead = Scan this code with the camera of the iPhone or iPad that you want to enroll.
desktop-qr = QR code for the address { $address }
desktop-type = Or type this address in Safari:
desktop-untrusted-title = Safari shows a warning first
desktop-untrusted = Your device does not know this server yet, so Safari says “This Connection Is Not Private”. For the address above, this is expected. Tap **Show Details**, then **visit this website**, and confirm with **Visit Website**. In the first steps you install a certificate. After that, Safari no longer shows the warning.
which-title = What are you using?
which-lead = Safari says that this is a Mac. An iPad says the same, and so does an iPhone that shows the desktop version of a website.
which-ipad = This is an iPad
which-iphone = This is an iPhone
which-mac = This is a Mac
browser-title = Open this page in Safari
browser-lead = Only Safari can pass a profile to your { $device }. You are using another browser, or a browser inside an app.
browser-step-copy = Copy the address below.
browser-step-open = Open **{ -safari }**.
browser-step-paste = Paste the address at the top.

problem-not-found-title = Page not found
problem-not-found = The address may contain a typing error.
problem-not-found-do = Go back to your enrollment. It continues where you were.
problem-method-title = That is not possible here
problem-method = This page does not support the way in which it was opened.
problem-method-do = Go back to your enrollment and use the buttons there.
problem-bad-title = The form could not be read
problem-bad = Something in the form was missing.
problem-bad-do = Go back and fill in the form again.
problem-large-title = Too much text
problem-large = You sent more than this page accepts.
problem-large-do = Go back and fill in the form again, with less text.
problem-forged-title = The form has expired
problem-forged = It was open for too long, it came from another site, or your browser does not keep cookies.
problem-forged-do = Go back to your enrollment and send the form again. Allow cookies in Safari.
problem-link-title = This link no longer works
problem-link = Links to profiles work for a few minutes only, and only in their own step.
problem-link-do = Go back to your enrollment and tap “Continue” there.
problem-too-often-title = Too many attempts
problem-too-often = The profile was downloaded, or the account changed, too many times.
problem-too-often-do = Sign out and start again. If you cannot install the profile, ask your help desk.
problem-account-title = Please start again in Settings
problem-account = This page was opened from Settings a while ago, or in another window.
problem-account-do = Close this page, then tap **{ -sign-in-row }** in Settings again.
problem-version-title = This profile is not for this version of iOS
problem-version = A personal device accepts it with iOS 13.1 to 17 only. Nothing changed on your device.
problem-version-do = On the device that you want to enroll, open the page of this server in Safari. It shows the steps for that device.
problem-push-title = Enrollment is not ready yet
problem-push = The server cannot reach devices yet, because it has no push certificate.
problem-push-do = You cannot solve this yourself. Tell your help desk that the push certificate is missing.
problem-unavailable-title = Please try again in a minute
problem-unavailable = The server cannot save anything at the moment.
problem-unavailable-do = Wait a minute and try again. What you did before is saved.
problem-internal-title = Something went wrong here
problem-internal = This is our mistake, not yours. Nothing was lost.
problem-internal-do = Try again. If it happens again, give your help desk the help code below.

draw-alert = Picture of the question on your { $device }. The button to tap: { $tap }
draw-row = Picture of a page in Settings. The row to tap: { $tap }
draw-sheet = Picture of a page in Settings. The button to tap: { $tap }
draw-switch = Picture of a page in Settings. The switch to turn on: { $tap }
draw-ask = This website is trying to download a configuration profile. Do you want to allow this?
draw-ask-settings = This website is trying to open Settings to show you a configuration profile. Do you want to allow this?
draw-complete = Complete installation of this profile in the Settings app.
draw-ignore = Ignore
draw-cancel = Cancel
draw-allow = { -allow }
draw-close = { -close }
draw-settings = { -settings }
draw-downloaded = { -profile-downloaded }
draw-install = { -install }
draw-install-title = Install Profile
draw-full-trust = Enable full trust for root certificates
draw-trust = { -trust }
draw-remote = Remote Management
draw-remote-text = Do you trust this profile’s source to enroll your { $device } into remote management?
draw-general = General
draw-management = { $ios15 ->
    [yes] VPN & Device Management
   *[no] Device Management
  }
draw-sign-in-row = { -sign-in-row }
draw-continue = { -ios-continue }
draw-password = Password
draw-allow-management = { -allow-management }
