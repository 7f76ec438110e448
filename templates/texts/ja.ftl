# ポータルの日本語文。iOSのボタン名と項目名は日本語版iOSの表示どおり。**太字** はそれを示す。

-allow = 許可
-close = 閉じる
-settings = 設定
-profile-downloaded = プロファイルがダウンロードされました
-install = インストール
-done = 完了
-ios-continue = 続ける
-trust = 信頼
-safari = Safari
-remove-management = 管理を削除
-trust-settings = 一般 › 情報 › 証明書信頼設定
-sign-in-row = 職場または学校アカウントにサインイン
-allow-management = リモート管理を許可

enroll-my = この{ $device }を登録
enroll-in = { $organization }に登録
management-row = { $ios15 ->
    [yes] 一般 › VPNとデバイス管理
   *[no] 一般 › デバイス管理
  }
account-name = { $ios18 ->
    [yes] 管理対象Apple Account
   *[no] 管理対象Apple ID
  }

language-name = 日本語
progress = 手順 { $now } / { $total }
signed-in-as = { $name } としてログイン中
signed-in-for = { $name } としてログイン中（{ $owner } のために登録）
sign-out = ログアウト
help-code = ヘルプコード { $code }
continue-button = 次へ
installed-button = インストールしました
download-again-button = プロファイルをもう一度ダウンロード
back-button = 登録に戻る
again-button = 最初からやり直す
check-button = 今すぐ確認
change-link = 変更
about-link = { $organization }に見えるもの・見えないもの
what-to-do = 次にすること
help-title = 問い合わせ先

sign-in-title = ログインして登録を始める
sign-in-lead = この{ $device }を数ステップで{ $organization }に登録します。デバイスのパスコードをご用意ください。
sign-in-again-lead = この{ $device }の接続を保つため、{ $organization }にもう一度サインインしてください。登録したときのアカウントをお使いください。
hand-over-title = サインインしました
hand-over-lead = 続きは設定で行います。「次へ」をタップし、{ $device }の表示に従ってください。
sign-in-refused = ログインできませんでした。
sign-in-refused-hint = ユーザ名とパスワードを確認してください。どちらも正しい場合は、デバイスの登録が許可されていない可能性があります。ヘルプデスクにお問い合わせください。
sign-in-throttled = 試行回数が多すぎます。{ $minutes }分待ってから、もう一度お試しください。
sign-in-throttled-hint = 待つ必要があるのはこのページだけです。{ $organization }のアカウント自体がロックされているかどうか、またパスワードを忘れた場合は、ヘルプデスクにお問い合わせください。
user-name = ユーザ名
password = パスワード
sign-in-button = ログイン
show-password = パスワードを表示
sign-in-with = { $provider }でログイン
sign-in-or-password = ユーザ名とパスワードでログイン
sign-in-not-through-hint = ログインが完了しませんでした。もう一度お試しください。
sign-in-not-through-code = 再び失敗する場合は、下のヘルプコードをヘルプデスクにお伝えください。
sign-in-not-now = 現在ログインできません。
sign-in-not-now-hint = パスワードの問題ではありません。ログインに必要なシステムが応答していません。数分後にもう一度お試しください。
sign-in-too-late = 時間切れです。
sign-in-too-late-hint = ログインは15分以内に完了してください。もう一度始めるには、下のボタンをタップしてください。
sign-in-change-password = 先にパスワードを変更してください。
sign-in-change-password-hint = パスワードは正しいですが、ここで使うには変更が必要です。{ $organization }のコンピュータなど、いつもの方法で変更してから、新しいパスワードでログインしてください。
sign-in-nobody = 現在ここではログインできません。ヘルプデスクにお問い合わせください。
sign-in-own-title = この{ $device }はあなた個人のものですか？
sign-in-own = その場合、ここでログインする必要はありません。個人の{ $device }は「設定」で登録します。手順は次のとおりです：
sign-in-own-else = { $organization }のものであれば、下でログインしてください。
leaving-title = 少々お待ちください
leaving-in = ログインのため { $site } に移動します。終わると自動的にここに戻ります。
leaving-out = ここではログアウトしました。{ $site } からもログアウトするため、移動します。

for-whom-title = この{ $device }は誰のものになりますか？
for-whom-lead = ほかの人のデバイスを登録できます。この後の内容はすべて、ここで指定した人についてのものです。
for-whom-label = その人のユーザ名
for-whom-hint = { $organization }のディレクトリにサインインするときの名前です。
for-whom-unknown = この名前の人はディレクトリに見つかりませんでした。つづりを確認してください。
for-whom-unavailable = 現在ディレクトリに問い合わせできません。1分ほど待ってから、もう一度お試しください。
for-whom-throttled = 見つからない名前が多すぎます。{ $minutes }分待ってから、もう一度お試しください。
for-whom-no-directory = 登録用のディレクトリが有効になっていないため、検索できません。管理者にお問い合わせください。
for-whom-oneself-button = 自分用です

previous-title = すでに登録済みのデバイスがあります
previous-lead = { $other ->
    [yes] { $organization }は現在、{ $owner }さんの次のデバイスを管理しています。
   *[no] { $organization }は現在、次のデバイスを管理しています。
  }
previous-since = { $date } に登録
previous-more = ほかに{ $count }台
date = { $year }年{ $month }月{ $day }日
previous-same-device = それがこの{ $device }の場合
previous-step-open = **{ -settings }** を開き、**{ management-row }** に進みます。
previous-step-remove = 組織のプロファイルをタップし、**{ -remove-management }** をタップして、パスコードを入力します。
previous-step-back = このページに戻ります。
previous-other-device = 別のデバイスの場合
previous-other-device-text = 何も削除する必要はありません。このまま進めば、両方とも登録されたままになります。
previous-button = 次へ
record-unnamed = デバイス

ownership-title = この{ $device }は誰のものですか?
ownership-lead = { $organization }が見たり操作したりできる範囲が、これで決まります。
ownership-unanswered = 誰のものかを選んでください。
ownership-personal = 自分のものです
ownership-personal-text = あなた自身のデータは守られます。{ $organization }は組織のApp、アカウント、データだけを管理します。
ownership-institutional = { $organization }のものです
ownership-institutional-text = { $organization }がデバイス全体を管理し、ロックや消去もできます。

terms-title = 利用規約
terms-lead = 内容をお読みください。この{ $device }を登録するには、同意が必要です。
terms-changed = お読みになっている間に規約が変わりました。これが新しい内容です。
terms-version = バージョン { $version }
terms-on-behalf = { $owner }さんのためにこのデバイスを登録しています。{ $owner }さんが同意している場合だけ同意してください。ご本人が自分でデバイスを登録するときには、もう一度確認します。
terms-accept-button = 同意します
terms-decline-button = 同意しません
terms-decline = その場合はログアウトし、{ $device }は何も変わりません。
terms-withdrawn = 同意が必要な規約はなくなりました。続けるには、最初からやり直してください。

ca-title = 証明書をインストール
ca-lead = { $device }がこのサーバを信頼できるようになります。これで{ $device }の中身が誰かに見えるようになることはありません。
ca-too-early = 先に「次へ」をタップして証明書をインストールし、その後でこのボタンをタップしてください。
ca-tap-continue-close = 下の **次へ** をタップします。「このWebサイトは構成プロファイルをダウンロードしようとしています。許可しますか?」と表示されたら **{ -allow }** を、続いて「“設定”Appでこのプロファイルのインストールを完了してください。」と表示されたら **{ -close }** をタップします。
ca-tap-continue-settings = 下の **次へ** をタップします。「このWebサイトは構成プロファイルを表示するために設定を開こうとしています。許可しますか?」と表示されたら、**{ -allow }** をタップします。
ca-tap-continue = 下の **次へ** をタップします。設定にプロファイルが表示されます。
open-downloaded = **{ -settings }** を開き、**{ -profile-downloaded }** をタップします。
ca-install = **{ -install }** をタップし、パスコードを入力し、もう一度 **{ -install }**(求められたらさらにもう一度)、最後に **{ -done }** をタップします。
ca-trust = **{ -settings }** で **{ -trust-settings }** に進み、**{ $certificate }** をオンにします。確認されたら **{ -ios-continue }** をタップします。
ca-come-back = Safariに戻り、**インストールしました** をタップします。
screen-next = 次の操作
screen-back = 戻る
ca-why-title = なぜ必要ですか?
ca-why = 組織のサーバは独自の証明書を使っています。この手順を省くと、次の手順でプロファイルのインストールに失敗します。
eight-minutes-title = 8分以内に
eight-minutes = ダウンロードしたプロファイルは{ $device }に8分間だけ保存されます。消えてしまったら、もう一度ダウンロードしてください。

maid-title = { account-name }
maid-lead = { $organization }から仕事用に渡されたアカウントです。App StoreやiCloudで個人的に使っているものとは別です。
maid-label = { account-name }
maid-hint = メールアドレスのような形です。例: ada@example.com
maid-hint-domains = 末尾は { $domains } です。
maid-invalid = アカウント名として正しくありません。メールアドレスのような形です。例: ada@example.com
maid-domain = ここで使えるアカウントの末尾は { $domains } です。
maid-why-title = 何に使われますか?
maid-why = この後、デバイスの設定でこのアカウントへのサインインを求められます。パスワードはAppleに送られ、このサーバには送られません。

mdm-title = この{ $device }を登録
mdm-lead-personal = 最後の操作です。{ $device }に{ $organization }用の仕事の領域が別に作られます。あなた自身のデータはそのままです。
mdm-lead-institutional = 最後の操作です。完了すると、{ $organization }がこの{ $device }を管理します。
mdm-tap-continue-close = 下の **次へ** をタップします。「このWebサイトは構成プロファイルをダウンロードしようとしています。許可しますか?」と表示されたら **{ -allow }** を、続いて「“設定”Appでこのプロファイルのインストールを完了してください。」と表示されたら **{ -close }** をタップします。
mdm-tap-continue-settings = 下の **次へ** をタップします。「このWebサイトは構成プロファイルを表示するために設定を開こうとしています。許可しますか?」と表示されたら、**{ -allow }** をタップします。
mdm-tap-continue = 下の **次へ** をタップします。設定にプロファイルが表示されます。
mdm-open-downloaded = **{ -settings }** を開き、**{ -profile-downloaded }** または **{ enroll-in }** をタップします。
mdm-enroll-my = **{ enroll-my }** をタップし、パスコードを入力します。
mdm-account-password = **{ -ios-continue }** をタップし、{ account-name }でサインインします。パスワードはAppleに送られ、このサーバには送られません。
mdm-install = **{ -install }** をタップし、パスコードを入力し、もう一度 **{ -install }** をタップします。
mdm-verified = { $device }がどのデバイスかを伝え、確認されます。その後、リモート管理のプロファイルが表示されたら **{ -install }** をタップします。
mdm-trust = リモート管理について確認されたら **{ -trust }**、続いて **{ -done }** をタップします。
mdm-come-back = Safariに戻り、**インストールしました** をタップします。
mdm-account-title = { account-name }

about-title = 組織に見えるもの
about-lead = 組織ができることはAppleが定めています。{ $organization }の範囲は次のとおりです。
about-personal = デバイスがあなたのものの場合
about-institutional = デバイスが{ $organization }のものの場合
about-cannot = { $organization }ができないこと
about-can = { $organization }ができること
cannot-read = メッセージ、メール、写真、通話、閲覧履歴を読むこと
cannot-locate = あなたの現在地を知ること
cannot-apps = あなたが自分で入れたAppを見ること
cannot-identify = シリアル番号、電話番号など、デバイス固有の番号を見ること
cannot-erase = デバイスを消去したり、パスコードを削除したりすること
can-model = 機種、iOSのバージョン、最新かどうかを見ること
can-work-apps = 組織のApp、アカウント、設定をインストール・削除し、それらを見ること
can-passcode = パスコードの設定を求めること
can-remove-own = あなたが組織を離れるとき、組織が入れたものを削除すること
can-identify = デバイスの名前、シリアル番号、電話番号を見ること
can-all-apps = インストールされているすべてのAppを見ること
can-restrict = Appや設定をインストールし、デバイスの機能を制限すること
can-lock = デバイスをロックし、パスコードを削除し、すべてを消去すること
about-leave-title = ご自分のデバイスなら、いつでもやめられます
about-leave = **{ -settings }** › **{ management-row }** を開き、プロファイルをタップして **{ -remove-management }** をタップします。組織のAppとデータも一緒に削除されます。
about-managed-title = { $organization }のデバイスは{ $organization }が管理します
about-managed = 管理の期間は{ $organization }が決めます。プロファイルを削除する前や、うまくいかないときは、{ $organization }にお問い合わせください。

complete-title-waiting = { $device }からの連絡を待っています
complete-lead-waiting = プロファイルがインストールされると、このページに表示されます。
complete-title-installing = もう少しです
complete-lead-installing = { $device }から応答がありました。設定を仕上げています。
complete-title-enrolled = { $device }の登録が完了しました
complete-lead-enrolled = { $organization }が管理を始めました。このページは閉じてかまいません。
complete-title-ended = この登録は終了しました
complete-lead-ended = プロファイルが削除されたか、{ $device }が改めて登録されました。もう一度登録するには、最初からやり直してください。
complete-refreshing = このページは数秒ごとに自動で確認します。
complete-not-refreshing = このページは自動では確認しません。ボタンをタップして確認してください。
complete-still = 自動で再読み込みしない
complete-back-button = 説明に戻る
self-service-title = もうひとつ
self-service = { $organization }のAppはSelf Serviceから入手できます。App Storeからインストールしてください。
self-service-button = Self Serviceを入手
app-title = Self Service
app-coming = Self Service を { $device } に送っています。
app-prompting = { $device } に Self Service のインストールの確認が表示されます。「インストール」をタップしてください。
app-sign-in = App Store で Apple ID の入力を求められます。サインインすると、Self Service がインストールされます。
app-installing = Self Service をインストールしています。
app-by-their-own-doing = App Store がすでに Self Service をインストールしています。
app-installed = Self Service がインストールされました。
app-refused = Self Service はインストールされませんでした。あとからでも入手できます。
app-not-licensed = Self Service のライセンスがまだありません。{ $organization } による割り当てが必要です。
app-failed = Self Service をインストールできませんでした。

stopped-old-title = この{ $device }には新しいiOSが必要です
stopped-old-lead = 現在のバージョンは{ $version }です。個人のデバイスはバージョン13.1以降で登録できます。それより古いとデバイス全体が管理されてしまい、選んだ内容と異なります。
stopped-old-update = **{ -settings } › 一般 › ソフトウェアアップデート** を開き、アップデートします。
stopped-old-again = その後、このページをもう一度開きます。
stopped-account-title = 設定から登録してください
stopped-account-lead = お使いの個人の{ $device }は、このページのプロファイルではなく、設定でのサインインで登録します。手順は次のとおりです。
stopped-account-open = **{ -settings }** を開き、**一般**、**VPNとデバイス管理** の順にタップします。
stopped-account-sign-in = **{ -sign-in-row }** をタップします。
stopped-account-account = 組織から受け取ったアカウント（@を含むもの）を入力し、**{ -ios-continue }** をタップします。
stopped-account-page = { $organization }のページが開きます。ここと同じようにサインインします。
stopped-account-password = { $device }に求められたら、アカウントのパスワードを入力し、**{ -ios-continue }** をタップします。
stopped-account-allow = **{ -allow-management }** をタップし、求められたらデバイスのパスコードを入力します。
stopped-account-yours = あなたのアカウントは **{ $account }** です。
stopped-account-lost = 組織が見つからないと{ $device }に表示された場合は、ヘルプデスクにお問い合わせください。
stopped-no-account-title = この{ $device }はここでは登録できません
stopped-no-account-lead = iOS 18以降、個人の{ $device }は設定でのサインインによって登録しますが、{ $organization }はその方法を提供していません。
stopped-by-account = このページを閉じてください。
stopped-mode-title = { $device }が別の方法で登録されました
stopped-mode-lead = 選んだものとは別の種類の登録としてプロファイルが使われたため、サーバが拒否しました。{ $device }の情報は保存されていません。
stopped-mode-remove = **{ -settings } › { management-row }** を開きます。{ $organization }のプロファイルがあれば、タップして **{ -remove-management }** をタップします。
stopped-mode-version = **{ -settings } › 一般 › 情報** でiOSのバージョンを確認します。
stopped-mode-again = ここで最初からやり直してください。再び同じことが起きたら、ヘルプデスクにヘルプコードを伝えてください。
stopped-permitted-title = この{ $device }は登録できません
stopped-permitted-lead = { $other ->
    [yes] { $organization }は、{ $owner }さんによるこの{ $device }の登録を許可していません。
   *[no] ログインしましたが、{ $organization }はこのアカウントによるこの{ $device }の登録を許可していません。
  }
stopped-permitted-ask = 登録できるはずの場合は、下のヘルプコードを伝えてヘルプデスクにお問い合わせください。
stopped-permitted-again = 登録用の別のアカウントがある場合は、それで最初からやり直してください。
stopped-unknown-title = この{ $device }を登録できるかどうか確認できません
stopped-unknown-lead = サインインに使ったサービスから、判断に必要な情報が{ $organization }に届きませんでした。あなたの操作に問題はありません。
stopped-unknown-ask = 下のヘルプコードを伝えてヘルプデスクにお問い合わせください。管理者による変更が必要です。
stopped-many-title = これ以上デバイスを登録できません
stopped-many-lead = { $other ->
    [yes] { $owner }さんのデバイスは、{ $organization }が同時に登録を許可する数（{ $limit }台）に達しています。
   *[no] { $organization }が同時に登録を許可するデバイスの数（{ $limit }台）に達しています。
  }
stopped-many-devices = 登録中のデバイス
stopped-many-remove = そのうち、もう使わないデバイスで**{ -settings } › { management-row }**を開き、{ $organization }のプロファイルをタップして、**{ -remove-management }**をタップします。
stopped-many-gone = デバイスを紛失した、消去した、または人に渡した場合は、下のヘルプコードを伝えて、一覧から外すようヘルプデスクに依頼してください。
stopped-many-again = そのあと、ここで最初からやり直してください。
stopped-below-title = この{ $device }には新しいiOSが必要です
stopped-below-lead = { $version ->
    [unknown] { $organization }が許可するものより古いバージョンです。
   *[known] バージョンは{ $version }です。{ $organization }が許可するものより古いバージョンです。
  }{ $limit ->
    [none] 条件が変わった可能性があるため、最初からやり直してください。
   *[given] { $limit }以降が必要です。
  }
stopped-below-no-update = 新しいバージョンが表示されない場合、この{ $device }は登録できません。ほかのデバイスについてヘルプデスクにお問い合わせください。
stopped-above-title = このiOSのバージョンはまだ使えません
stopped-above-lead = { $version ->
    [unknown] { $organization }が許可するものより新しいバージョンです。
   *[known] この{ $device }のバージョンは{ $version }です。{ $organization }が許可するものより新しいバージョンです。
  }{ $limit ->
    [none] 条件が変わった可能性があるため、最初からやり直してください。
   *[given] 使える最も新しいバージョンは{ $limit }です。
  }
stopped-above-ask = 古いバージョンに戻すことはできません。いつ使えるようになるか、下のヘルプコードを伝えてヘルプデスクにお問い合わせください。
stopped-model-title = このモデルは登録できません
stopped-model-lead = { $limit ->
    [none] { $organization }は、このモデルのデバイスを登録していません。
   *[given] { $organization }で登録できるのは次のものだけです：{ $limit }
  }
stopped-genuine-title = この{ $device }を確認できませんでした
stopped-genuine-lead = { $organization }で登録できるのは、Apple製であることを証明できるデバイスだけです。このデバイスの証明は確認できませんでした。{ $device }の情報は保存されていません。
stopped-other-title = 別のデバイスでした
stopped-other-lead = プロファイルは確認された{ $device }のためのものですが、別のデバイスにインストールされたため、サーバが拒否しました。別のデバイスの情報は保存されていません。
stopped-other-again = ここで最初からやり直し、プロファイルを同じ{ $device }にインストールしてください。

desktop-title = iPhoneまたはiPadで続ける
desktop-lead = 登録したいiPhoneまたはiPadのカメラをこのコードに向けてください。
desktop-qr = アドレス { $address } のQRコード
desktop-type = または、Safariにこのアドレスを入力してください。
desktop-untrusted-title = 最初にSafariの警告が表示されます
desktop-untrusted = デバイスはまだこのサーバを知らないため、「この接続ではプライバシーが保護されません」と表示されます。上のアドレスではこれは正常です。**詳細を表示**、**このWebサイトを閲覧**の順にタップし、**Webサイトを閲覧**で確認してください。最初の手順で証明書をインストールすると、警告は表示されなくなります。
which-title = お使いのデバイスは?
which-lead = SafariはMacだと伝えています。iPadや、デスクトップ用サイトを表示しているiPhoneも同じように伝えます。
which-ipad = iPadです
which-iphone = iPhoneです
which-mac = Macです
browser-title = このページをSafariで開いてください
browser-lead = プロファイルを{ $device }に渡せるのはSafariだけです。今は別のブラウザ、またはApp内のブラウザをお使いです。
browser-step-copy = 下のアドレスをコピーします。
browser-step-open = **{ -safari }** を開きます。
browser-step-paste = アドレスを上の欄にペーストします。

problem-not-found-title = ページが見つかりません
problem-not-found = アドレスが間違っている可能性があります。
problem-not-found-do = 登録に戻ってください。途中の手順から続けられます。
problem-method-title = ここではできません
problem-method = このページが対応していない方法で呼び出されました。
problem-method-do = 登録に戻り、そこのボタンを使ってください。
problem-bad-title = フォームを読み取れませんでした
problem-bad = 足りない項目がありました。
problem-bad-do = 戻って、もう一度入力してください。
problem-large-title = データが大きすぎます
problem-large = 送信された内容が、このページの上限を超えています。
problem-large-do = 戻って、短い内容でもう一度入力してください。
problem-forged-title = フォームの有効期限が切れました
problem-forged = 長く開いたままだったか、別のサイトから送られたか、ブラウザがCookieを保存していません。
problem-forged-do = 登録に戻り、もう一度送信してください。SafariでCookieを許可する必要があります。
problem-link-title = このリンクはもう使えません
problem-link = プロファイルへのリンクは数分間だけ、その手順の中でのみ使えます。
problem-link-do = 登録に戻り、そこで「次へ」をタップしてください。
problem-too-often-title = 回数が多すぎます
problem-too-often = 今回の手続きで、プロファイルのダウンロードまたはアカウントの変更が何度も繰り返されました。
problem-too-often-do = サインアウトして、最初からやり直してください。プロファイルをインストールできない場合は、サポートにお問い合わせください。
problem-account-title = 設定からもう一度始めてください
problem-account = このページは設定からしばらく前に開かれたか、別のウインドウで始められました。
problem-account-do = このページを閉じて、設定で **{ -sign-in-row }** をもう一度タップしてください。
problem-version-title = このプロファイルはこの iOS のバージョン向けではありません
problem-version = 個人のデバイスでは iOS 13.1 から 17 でのみ使えます。何も変更されていません。
problem-version-do = 登録したいデバイスの Safari でこのサーバのページを開いてください。そのデバイスに合った手順をご案内します。
problem-push-title = まだ登録の準備ができていません
problem-push = サーバにプッシュ証明書がないため、デバイスに連絡できません。
problem-push-do = あなたにできることはありません。プッシュ証明書がないことをヘルプデスクに伝えてください。
problem-unavailable-title = 今はできません
problem-unavailable = 現在、サーバが保存できません。
problem-unavailable-do = 1分ほど待ってから、もう一度お試しください。これまでの内容は保存されています。
problem-internal-title = こちらで問題が発生しました
problem-internal = あなたの操作のせいではありません。失われたものもありません。
problem-internal-do = もう一度お試しください。再び起きたら、下のヘルプコードをヘルプデスクにお伝えください。

draw-alert = { $device }に表示される確認の図。タップするボタン: { $tap }
draw-row = 「設定」の画面の図。タップする項目: { $tap }
draw-sheet = 「設定」の画面の図。タップするボタン: { $tap }
draw-switch = 「設定」の画面の図。オンにするスイッチ: { $tap }
draw-ask = このWebサイトは構成プロファイルをダウンロードしようとしています。許可しますか?
draw-ask-settings = このWebサイトは設定を開いて構成プロファイルを表示しようとしています。許可しますか?
draw-complete = “設定”Appでこのプロファイルのインストールを完了してください。
draw-ignore = 無視
draw-cancel = キャンセル
draw-allow = { -allow }
draw-close = { -close }
draw-settings = { -settings }
draw-downloaded = { -profile-downloaded }
draw-install = { -install }
draw-install-title = プロファイルをインストール
draw-full-trust = ルート証明書を全面的に信頼する
draw-trust = { -trust }
draw-remote = リモート管理
draw-remote-text = このプロファイルのソースを信頼して、{ $device }をリモート管理に登録しますか?
draw-general = 一般
draw-management = { $ios15 ->
    [yes] VPNとデバイス管理
   *[no] デバイス管理
  }
draw-sign-in-row = { -sign-in-row }
draw-continue = { -ios-continue }
draw-password = パスワード
draw-allow-management = { -allow-management }
