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
sign-out = Log out
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

sign-in-title = Log in to enroll
sign-in-lead = Enroll this { $device } with { $organization } in a few steps. Have your device passcode at hand.
sign-in-again-lead = { $organization } asks you to sign in again, so that this { $device } stays connected. Use the account that it was enrolled with.
hand-over-title = You are signed in
hand-over-lead = Settings goes on from here: tap Continue, then follow what your { $device } shows.
sign-in-refused = That did not work.
sign-in-refused-hint = Check the user name and the password. If both are right, your account may not be allowed to enroll devices: ask your help desk.
sign-in-throttled = Too many tries. Wait { $minutes ->
    [one] a minute
   *[other] { $minutes } minutes
  }, then try again.
sign-in-throttled-hint = Only this page waits. Whether the account itself is locked at { $organization }, your help desk can tell; ask there, too, if you forgot the password.
user-name = User name
password = Password
sign-in-button = Log in
show-password = Show password
sign-in-with = Log in with { $provider }
sign-in-or-password = Or with user name and password
sign-in-not-through-hint = You were not logged in. Please try again.
sign-in-not-through-code = If it goes wrong again, tell your help desk the help code below.
sign-in-not-now = Signing in is not possible right now.
sign-in-not-now-hint = It is not your password: a system that signing in needs does not answer. Try again in a few minutes.
sign-in-too-late = That took too long.
sign-in-too-late-hint = Signing in may take 15 minutes. Tap the button below to begin once more.
sign-in-change-password = Change your password first.
sign-in-change-password-hint = Your password was right, but it has to be replaced before it works here. Change it where you usually do, for example at a computer of { $organization }, then log in with the new one.
sign-in-nobody = Nobody can sign in here at the moment. Ask your help desk.
sign-in-own-title = Is this { $device } your own?
sign-in-own = Then do not log in here: a personal { $device } like yours is enrolled in Settings. These are the taps:
sign-in-own-else = If it belongs to { $organization }, log in below.
leaving-title = One moment
leaving-in = You are being taken to { $site } to log in. You come back here by yourself.
leaving-out = You are logged out here. To log out at { $site } too, you are being taken there.

for-whom-title = Whose { $device } will it be?
for-whom-lead = You may enroll devices for others. Everything after this is about the person you name.
for-whom-label = User name of the person
for-whom-hint = As they sign in with { $organization }’s directory.
for-whom-unknown = Nobody of this name was found in the directory. Check the spelling.
for-whom-unavailable = The directory cannot be asked at the moment. Wait a minute and try again.
for-whom-throttled = Too many names were not found. Wait { $minutes ->
    [one] a minute
   *[other] { $minutes } minutes
  }, then try again.
for-whom-no-directory = No directory is switched on for enrollment, so nobody can be looked up. Ask your administrator.
for-whom-oneself-button = It is for myself

previous-title = A device is enrolled already
previous-lead = { $other ->
    [yes] { $organization } still manages this for { $owner }:
   *[no] { $organization } still manages this on your behalf:
  }
previous-since = enrolled on { $date }
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
previous-same-device = If it is this { $device }
previous-step-open = Open **{ -settings }** and go to **{ management-row }**.
previous-step-remove = Tap the organization’s profile, then **{ -remove-management }**, and enter your passcode.
previous-step-back = Come back to this page.
previous-other-device = If it is another device
previous-other-device-text = Then there is nothing to remove. Go on: both stay enrolled.
previous-button = Continue
record-unnamed = A device

ownership-title = Whose { $device } is this?
ownership-lead = It decides how much { $organization } can see and do.
ownership-unanswered = Choose whose it is.
ownership-personal = It is mine
ownership-personal-text = Your own things stay private. { $organization } manages only its own apps, accounts and data.
ownership-institutional = It belongs to { $organization }
ownership-institutional-text = { $organization } manages the whole device and can lock or erase it.

terms-title = Terms of use
terms-lead = Read them. To enroll this { $device } you have to accept them.
terms-changed = The terms changed while you were reading. This is the new text.
terms-version = Version { $version }
terms-on-behalf = You enroll this device for { $owner }. Accept only if { $owner } agrees. People who enroll a device by themselves are asked again.
terms-accept-button = I accept
terms-decline-button = I do not accept
terms-decline = Then you are logged out, and nothing on your { $device } changes.
terms-withdrawn = There are no terms to accept any more. Start again to go on.

ca-title = Install the certificate
ca-lead = It lets your { $device } trust this server. It does not show anybody what is on your { $device }.
ca-too-early = First tap “Continue” and install the certificate, then come back to this button.
ca-tap-continue-close = Tap **Continue** below. Safari says “This website is trying to download a configuration profile. Do you want to allow this?”: tap **{ -allow }**. Then it says “Complete installation of this profile in the Settings app.”: tap **{ -close }**.
ca-tap-continue-settings = Tap **Continue** below. Safari says “This website is trying to open Settings to show you a configuration profile. Do you want to allow this?”: tap **{ -allow }**.
ca-tap-continue = Tap **Continue** below. Settings shows the profile.
open-downloaded = Open **{ -settings }** and tap **{ -profile-downloaded }**.
ca-install = Tap **{ -install }**, enter your passcode, tap **{ -install }** again, and once more if asked, then **{ -done }**.
ca-trust = In **{ -settings }**, go to **{ -trust-settings }** and switch on **{ $certificate }**. If asked, tap **{ -ios-continue }**.
ca-come-back = Come back to Safari and tap **I have installed it**.
screen-next = Next
screen-back = Back
ca-why-title = Why is this needed?
ca-why = Your organization’s server has a certificate of its own. Without this step the next one stops with “Profile Installation Failed”.
eight-minutes-title = Not longer than eight minutes
eight-minutes = Your { $device } keeps one downloaded profile for eight minutes. If it is gone, download it once more.

maid-title = Your { account-name }
maid-lead = { $organization } gave you this account for work. It is not the one you use for the App Store or iCloud at home.
maid-label = { account-name }
maid-hint = Looks like a mail address, such as ada@example.com.
maid-hint-domains = Ends with { $domains }.
maid-invalid = This is not an account name. It looks like a mail address, such as ada@example.com.
maid-domain = Accounts here end with { $domains }.
maid-why-title = What happens with it?
maid-why = Your device asks you to sign in with it in a moment, in Settings. You give the password to Apple; this server never sees it.

mdm-title = Enroll this { $device }
mdm-lead-personal = The last thing to do. { $organization } gets a separate place on your { $device } for work; your own things stay yours.
mdm-lead-institutional = The last thing to do. { $organization } then manages this { $device }.
mdm-tap-continue-close = Tap **Continue** below. Safari says “This website is trying to download a configuration profile. Do you want to allow this?”: tap **{ -allow }**. Then it says “Complete installation of this profile in the Settings app.”: tap **{ -close }**.
mdm-tap-continue-settings = Tap **Continue** below. Safari says “This website is trying to open Settings to show you a configuration profile. Do you want to allow this?”: tap **{ -allow }**.
mdm-tap-continue = Tap **Continue** below. Settings shows the profile.
mdm-open-downloaded = Open **{ -settings }** and tap **{ -profile-downloaded }** or **{ enroll-in }**.
mdm-enroll-my = Tap **{ enroll-my }** and enter your passcode.
mdm-account-password = Tap **{ -ios-continue }** and sign in with your { account-name }. The password goes to Apple, not to this server.
mdm-install = Tap **{ -install }**, enter your passcode, tap **{ -install }** again.
mdm-verified = Your { $device } says which device it is and is checked; then it shows the profile for remote management: tap **{ -install }**.
mdm-trust = When asked about remote management, tap **{ -trust }**, then **{ -done }**.
mdm-come-back = Come back to Safari and tap **I have installed it**.
mdm-account-title = Your { account-name }

about-title = What your organization can see
about-lead = Apple decides what an organization may do. These are the limits for { $organization }.
about-personal = If the device is yours
about-institutional = If it belongs to { $organization }
about-cannot = { $organization } cannot
about-can = { $organization } can
cannot-read = read your messages, mail, photos, calls or browsing history
cannot-locate = see where you are
cannot-apps = see the apps you installed yourself
cannot-identify = see the serial number, the phone number or any other lasting number of the device
cannot-erase = erase the device or remove your passcode
can-model = see the model, the version of iOS and whether the device is up to date
can-work-apps = install and remove its own apps, accounts and settings, and see these
can-passcode = require a passcode
can-remove-own = remove what it installed, when you leave
can-identify = see the name, serial number and phone number of the device
can-all-apps = see every app that is installed
can-restrict = install apps and settings, and restrict what the device can do
can-lock = lock the device, remove its passcode, or erase everything on it
about-leave-title = With a device of your own you can leave at any time
about-leave = Open **{ -settings }** › **{ management-row }**, tap the profile and **{ -remove-management }**. The organization’s apps and data go with it.
about-managed-title = A device of { $organization } is managed by it
about-managed = { $organization } decides how long. Ask there before you remove the profile, and if something does not work.

complete-title-waiting = Waiting for your { $device }
complete-lead-waiting = As soon as the profile is installed, this page says so.
complete-title-installing = Almost there
complete-lead-installing = Your { $device } has answered and is finishing its setup.
complete-title-enrolled = Your { $device } is enrolled
complete-lead-enrolled = It is managed by { $organization } now. You can close this page.
complete-title-ended = This enrollment has ended
complete-lead-ended = The profile was removed, or the { $device } was enrolled again. To enroll it once more, start again.
complete-refreshing = This page looks by itself every few seconds.
complete-not-refreshing = This page does not look by itself. Tap the button to look.
complete-still = Do not reload by itself
complete-back-button = Back to the instructions
self-service-title = One more thing
self-service = { $organization } offers its apps in Self Service. Get it from the App Store.
self-service-button = Get Self Service
app-title = Self Service
app-coming = Self Service is on its way to your { $device }.
app-prompting = Your { $device } asks whether to install Self Service. Tap Install.
app-sign-in = The App Store asks for an Apple ID. Sign in there, and Self Service is installed.
app-installing = Self Service is being installed.
app-by-their-own-doing = The App Store is installing Self Service already.
app-installed = Self Service is installed.
app-refused = You chose not to install Self Service. You can still get it.
app-not-licensed = There is no licence for Self Service for you yet. { $organization } has to assign one.
app-failed = Self Service could not be installed.

stopped-old-title = This { $device } needs a newer iOS
stopped-old-lead = It has version { $version }. A personal device can be enrolled from version 13.1 on; an older one would be managed as a whole, and that is not what you chose.
stopped-old-update = Open **{ -settings } › General › Software Update** and update.
stopped-old-again = Then open this page again.
stopped-account-title = Enroll in Settings instead
stopped-account-lead = A personal { $device } like yours is enrolled by signing in under Settings, without a profile from this page. These are the taps:
stopped-account-open = Open **{ -settings }**, tap **General**, then **VPN & Device Management**.
stopped-account-sign-in = Tap **{ -sign-in-row }**.
stopped-account-account = Enter your account, the one with @ in it that your organization gave you, and tap **{ -ios-continue }**.
stopped-account-page = A page of { $organization } opens: sign in there as you did here.
stopped-account-password = When your { $device } asks for it, enter the password of your account and tap **{ -ios-continue }**.
stopped-account-allow = Tap **{ -allow-management }** and enter your device passcode if you are asked for it.
stopped-account-yours = Your account is **{ $account }**.
stopped-account-lost = If your { $device } says that it cannot find your organization, ask your help desk.
stopped-no-account-title = This { $device } cannot be enrolled here
stopped-no-account-lead = Since iOS 18 a personal { $device } is enrolled by signing in under Settings, and { $organization } does not offer that.
stopped-by-account = You can close this page now.
stopped-mode-title = Your { $device } enrolled in another way
stopped-mode-lead = It took the profile for another kind of enrollment than the one you chose, so the server refused it. Nothing about your { $device } was kept.
stopped-mode-remove = Open **{ -settings } › { management-row }**. If a profile of { $organization } is there, tap it and **{ -remove-management }**.
stopped-mode-version = Check in **{ -settings } › General › About** which version of iOS it has.
stopped-mode-again = Start again here. If it happens once more, ask your help desk and tell them the help code.
stopped-permitted-title = You may not enroll this { $device }
stopped-permitted-lead = { $other ->
    [yes] { $organization } does not let { $owner } enroll this { $device } here.
   *[no] You signed in, but { $organization } does not let your account enroll this { $device } here.
  }
stopped-permitted-ask = If that should be possible, ask your help desk and tell them the help code below.
stopped-permitted-again = If there is another account for this, start again with it.
stopped-unknown-title = It is not known whether you may enroll this { $device }
stopped-unknown-lead = The service that you signed in with did not tell { $organization } what is needed to decide this. You did nothing wrong.
stopped-unknown-ask = Ask your help desk and tell them the help code below: an administrator has to change something.
stopped-many-title = No more devices
stopped-many-lead = { $other ->
    [yes] { $owner } has as many devices enrolled as { $organization } allows at a time: { $limit }.
   *[no] You have as many devices enrolled as { $organization } allows you at a time: { $limit }.
  }
stopped-many-devices = These devices count
stopped-many-remove = On one of them that is no longer needed, open **{ -settings } › { management-row }**, tap the profile of { $organization } and **{ -remove-management }**.
stopped-many-gone = If the device is lost, erased or somebody else’s now, ask your help desk to take it off the list, and tell them the help code below.
stopped-many-again = Then start again here.
stopped-below-title = This { $device } needs a newer iOS
stopped-below-lead = { $version ->
    [unknown] Its version is older than { $organization } allows.
   *[known] It has version { $version }, which is older than { $organization } allows.
  } { $limit ->
    [none] Start again: that may have changed.
   *[given] It must be { $limit } or newer.
  }
stopped-below-no-update = If no newer version is offered there, this { $device } cannot be enrolled: ask your help desk for another one.
stopped-above-title = This version of iOS is not allowed yet
stopped-above-lead = { $version ->
    [unknown] Its version is newer than { $organization } allows.
   *[known] This { $device } has version { $version }, which is newer than { $organization } allows.
  } { $limit ->
    [none] Start again: that may have changed.
   *[given] The newest that is allowed is { $limit }.
  }
stopped-above-ask = An older version cannot be put back. Ask your help desk when this one will be allowed, and tell them the help code below.
stopped-model-title = This model is not enrolled here
stopped-model-lead = { $limit ->
    [none] { $organization } does not enroll devices of this model.
   *[given] { $organization } enrolls only: { $limit }.
  }
stopped-genuine-title = This { $device } could not be checked
stopped-genuine-lead = { $organization } enrolls only devices that prove to be from Apple, and this one’s proof is not known here. Nothing about your { $device } was kept.
stopped-other-title = That was another device
stopped-other-lead = The profile was made for the { $device } that was checked, and another device installed it, so the server refused it. Nothing about the other device was kept.
stopped-other-again = Start again here, and install the profile on this same { $device }.

desktop-title = Continue on your iPhone or iPad
desktop-lead = Point the camera of the iPhone or iPad that you want to enroll at this code.
desktop-qr = QR code of the address { $address }
desktop-type = Or type this address in Safari:
desktop-untrusted-title = Safari warns you at first
desktop-untrusted = Your device does not know this server yet and says “This Connection Is Not Private”. At the address above that is expected: tap **Show Details**, then **visit this website**, and confirm with **Visit Website**. The first steps install the certificate that ends the warning.
which-title = What are you using?
which-lead = Safari says that this is a Mac. An iPad, and an iPhone that shows the desktop site, say so too.
which-ipad = This is an iPad
which-iphone = This is an iPhone
which-mac = This is a Mac
browser-title = Open this page in Safari
browser-lead = Only Safari can hand a profile to your { $device }. You are using another browser, or a browser inside an app.
browser-step-copy = Copy the address below.
browser-step-open = Open **{ -safari }**.
browser-step-paste = Paste the address at the top.

problem-not-found-title = There is no such page
problem-not-found = The address may be mistyped.
problem-not-found-do = Go back to your enrollment; it knows where you were.
problem-method-title = That cannot be done here
problem-method = The page was called in a way it does not know.
problem-method-do = Go back to your enrollment and use the buttons there.
problem-bad-title = The form could not be read
problem-bad = Something was missing in it.
problem-bad-do = Go back and fill it in again.
problem-large-title = That was too much
problem-large = What was sent is larger than this page takes.
problem-large-do = Go back and fill in the form again, with less text.
problem-forged-title = The form has expired
problem-forged = It was open for too long, or it came from another site, or your browser does not keep cookies.
problem-forged-do = Go back to your enrollment and send it again. Cookies must be allowed in Safari.
problem-link-title = This link does not work any more
problem-link = Links to profiles work for a few minutes only, and only in the step they belong to.
problem-link-do = Go back to your enrollment and tap Continue there.
problem-too-often-title = That was often enough
problem-too-often = The profile was downloaded, or the account changed, again and again in this visit.
problem-too-often-do = Sign out and begin again. If the profile cannot be installed, ask for help.
problem-account-title = Please begin again in Settings
problem-account = This page was opened from Settings a while ago, or was begun in another window.
problem-account-do = Close this page, then tap **{ -sign-in-row }** in Settings once more.
problem-version-title = This profile is not for this version of iOS
problem-version = A personal device takes it with iOS 13.1 to 17 only. Nothing was done.
problem-version-do = Open the page of this server in Safari on the device that you want to enroll: it leads you the way that this device knows.
problem-push-title = Enrollment is not ready yet
problem-push = The server cannot reach devices yet: it has no push certificate.
problem-push-do = There is nothing you can do. Tell your help desk that the push certificate is missing.
problem-unavailable-title = Not right now
problem-unavailable = The server cannot save anything at the moment.
problem-unavailable-do = Wait a minute and try again. What you did before is kept.
problem-internal-title = Something went wrong here
problem-internal = It is our mistake, not yours, and nothing was lost.
problem-internal-do = Try once more. If it happens again, tell your help desk the help code below.

draw-alert = Picture of what your { $device } asks. The button to tap: { $tap }
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
