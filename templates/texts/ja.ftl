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
-sign-out-ios = サインアウト
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
progress = 手順{ $now }（全{ $total }手順）
signed-in-as = { $name }としてサインイン中
signed-in-for = { $name }としてサインイン中（{ $owner }さんのために登録）
sign-out = サインアウト
help-code = ヘルプコード：{ $code }
continue-button = 次へ
installed-button = インストールしました
download-again-button = プロファイルをもう一度ダウンロード
back-button = 登録に戻る
again-button = 最初からやり直す
check-button = 今すぐ確認
change-link = 変更
about-link = { $organization }に見えるものと見えないもの
what-to-do = 次にすること
help-title = 問い合わせ先

sign-in-title = サインインして登録を始める
sign-in-lead = いくつかの手順で、この{ $device }を{ $organization }に登録します。デバイスのパスコードをご用意ください。
sign-in-again-lead = この{ $device }の接続を保つため、{ $organization }にもう一度サインインしてください。登録したときのアカウントをお使いください。
hand-over-title = サインインしました
hand-over-lead = 「次へ」をタップし、{ $device }の「設定」に表示される手順に従ってください。
sign-in-refused = サインインできませんでした。
sign-in-refused-hint = ユーザ名とパスワードを確認してください。どちらも正しい場合は、デバイスの登録が許可されていない可能性があります。ヘルプデスクにお問い合わせください。
sign-in-throttled = 試行回数が多すぎます。{ $minutes }分待ってから、もう一度お試しください。
sign-in-throttled-hint = 待つ必要があるのはこのページだけです。{ $organization }がアカウントをロックしたかどうかは、ヘルプデスクにお問い合わせください。パスワードを忘れた場合も同様です。
user-name = ユーザ名
password = パスワード
sign-in-button = サインイン
show-password = パスワードを表示
sign-in-with = { $provider }でサインイン
sign-in-or-password = またはユーザ名とパスワードでサインイン
sign-in-not-through-hint = サインインが完了しませんでした。もう一度お試しください。
sign-in-not-through-code = 再び失敗する場合は、下のヘルプコードをヘルプデスクにお伝えください。
sign-in-not-now = 現在サインインできません。
sign-in-not-now-hint = パスワードの問題ではありません。サインインに必要なシステムが応答していません。数分後にもう一度お試しください。
sign-in-too-late = 時間切れです。
sign-in-too-late-hint = サインインは15分以内に完了してください。下でもう一度サインインしてください。
sign-in-change-password = 先にパスワードを変更してください。
sign-in-change-password-hint = パスワードは正しいですが、ここで使うには変更が必要です。{ $organization }のコンピュータなど、いつもの方法で変更してから、新しいパスワードでサインインしてください。
sign-in-nobody = 現在、サインインは無効になっています。ヘルプデスクにお問い合わせください。
sign-in-own-title = この{ $device }はあなた個人のものですか？
sign-in-own = その場合、ここではサインインしないでください。個人の{ $device }は「設定」で登録します。手順は次のとおりです。
sign-in-own-else = { $organization }のものであれば、下でサインインしてください。
leaving-title = 少々お待ちください
leaving-in = サインインのため{ $site }に移動します。終わると自動的にここに戻ります。
leaving-out = ここではサインアウトしました。{ $site }からもサインアウトするため、移動します。

for-whom-title = この{ $device }は誰のためのものですか？
for-whom-lead = ほかの人のデバイスを登録できます。この後の手順はすべて、ここで入力した人についてのものです。
for-whom-label = その人のユーザ名
for-whom-hint = { $organization }のディレクトリでその人が使っているユーザ名です。
for-whom-unknown = このユーザ名の人はディレクトリに見つかりませんでした。つづりを確認してください。
for-whom-unavailable = 現在ディレクトリが応答していません。1分ほど待ってから、もう一度お試しください。
for-whom-throttled = 見つからないユーザ名が多すぎます。{ $minutes }分待ってから、もう一度お試しください。
for-whom-no-directory = 登録用のディレクトリが有効になっていないため、検索できません。管理者にお問い合わせください。
for-whom-oneself-button = 自分用です

previous-title = { $other ->
    [yes] { $owner }さんは以前に登録したことがあります
   *[no] 以前に登録したことがあります
  }
previous-lead = { $other ->
    [yes] { $organization }には、{ $owner }さんの次のデバイスの記録があります。
   *[no] { $organization }には、あなたの次のデバイスの記録があります。
  }この{ $device }がその中にある場合は、先に古い管理を削除してください。1台の{ $device }に設定できる管理は1つだけです。
previous-since = { $date }に登録
previous-imported = { $year ->
    [none] { $source }で登録
   *[other] { $year }年に{ $source }で登録
  }
previous-own = { $date }にここで登録
previous-own-undated = ここで登録
previous-kind-personal-profile = 個人のデバイス用の古いプロファイル
previous-kind-user = 仕事用の独立した領域
previous-kind-device = デバイス全体を管理するプロファイル
previous-kind-account = 「設定」の職場または学校アカウント
previous-ended = 管理は削除されています。必要な操作はありません。
previous-all-ended = 古い管理は削除されています。このまま進めます。
previous-answer-this = この{ $device }です
previous-answer-another = 別のデバイスです
previous-answer-gone = { $other ->
    [yes] { $owner }さんはもう持っていません
   *[no] もう持っていません
  }
previous-remove = このデバイスから古い管理を削除することを依頼する
previous-remove-hint = { $organization }がそのデバイスに、古い管理と、一緒に追加されたApp、アカウント、仕事のデータの削除を要求します。個人のデータは残ります。この{ $device }の場合、古い管理が削除されるまで新しいプロファイルはインストールできません。
previous-remove-waiting = { $organization }が古い管理を削除することに同意しました。デバイスに削除を要求しています。オンラインであれば1分もかかりません。
previous-remove-silent = デバイスから応答がありません。次にオンラインになったときに、{ $organization }が古い管理を削除します。この{ $device }の場合は、下の手順に従って自分で削除してください。
previous-remove-failed = デバイスは古い管理を削除しませんでした。下の手順に従って自分で削除してください。
previous-open = 答えなくても進めます。回答は、{ $organization }がデバイスの一覧を整理するのに役立ちます。
previous-more = ほかに{ $count }台
date = { $year }年{ $month }月{ $day }日
previous-same-device = この{ $device }の場合は、先に次の操作をします
previous-step-close = このページを閉じます。
previous-step-open = **{ -settings }**を開き、**{ management-row }**に進みます。{ $ios15 ->
    [yes] { "" }
   *[no] 項目名が**プロファイルとデバイス管理**または**プロファイル**の場合もあります。
  }
previous-step-remove = 組織の古いプロファイルをタップし、**{ -remove-management }**をタップして、パスコードを入力します。
previous-step-remove-personal = 古いプロファイル（多くの場合、名前は**MDM Profile**）をタップし、**{ -remove-management }**をタップして、パスコードを入力します。
previous-step-remove-account = 職場または学校アカウントをタップし、**{ -sign-out-ios }**をタップして、確認します。
previous-step-remove-either = 組織の古いプロファイルをタップし、**{ -remove-management }**をタップします。代わりに職場または学校アカウントがある場合は、それをタップし、**{ -sign-out-ios }**をタップします。
previous-step-back = このページに戻ります。
previous-step-again = **{ -sign-in-row }**をタップし、もう一度サインインします。
previous-step-again-code = **{ -sign-in-row }**をタップし、招待コードをもう一度入力して、サインインします。
previous-not-there = 何も表示されない場合は、古い管理はすでに削除されています。ボタンがない場合は、ヘルプデスクにお問い合わせください。
previous-goes = 古い管理で設定されたWi-Fi、メール、証明書も一緒に削除されます。このページに戻れるように、先にモバイルデータ通信または別のWi-Fiをオンにしてください。
previous-goes-certificate = 証明書は、後の手順でもう一度インストールします。
previous-other-device = 別のデバイスの場合
previous-other-device-text = 何も削除する必要はありません。このまま進めば、そのデバイスは今のまま変わりません。
previous-asks-title = この{ $device }から古い管理を削除しましたか？
previous-asks = 古い管理が残っている場合、{ $device }は登録を拒否します。この{ $device }だと回答されたもの：
previous-asks-own = { $organization }がまだ管理しています。削除の通知はまだ届いていません。削除してからこのページに戻ると、もう一度確認し、通知が届いていれば次へ進みます。
previous-asks-other = 削除の通知は届いておらず、このページからは確認できません。
previous-other-family = 別の種類のデバイスなので、この{ $device }ではありません。
previous-wrong-family = 別の種類のデバイスが、この{ $device }だと回答されています。その回答を直してください。ほかの回答はそのまま残ります。
previous-wrong-several = 同じ一覧の複数のデバイスが、この{ $device }だと回答されています。該当するのは1台だけです。回答を直してください。ほかの回答はそのまま残ります。
previous-check = もう一度確認
previous-asks-steps = 古い管理が残っている場合
previous-change = 回答を変更
previous-removed-button = 削除したので次へ
previous-anyway-button = 削除せずに次へ
previous-button = 次へ
record-unnamed = デバイス

ownership-title = この{ $device }は誰のものですか？
ownership-lead = { $organization }が見たり操作したりできる範囲が、この回答で決まります。
ownership-unanswered = 誰のものかを選んでください。
ownership-personal = 自分のものです
ownership-personal-text = あなた自身のデータは守られます。{ $organization }は組織のApp、アカウント、データだけを管理します。
ownership-institutional = { $organization }のものです
ownership-institutional-text = { $organization }がデバイス全体を管理し、ロックや消去もできます。

terms-title = 利用規約
terms-lead = 内容をお読みください。この{ $device }を登録するには、同意が必要です。
terms-changed = お読みになっている間に利用規約が変わりました。これが新しい内容です。
terms-version = バージョン{ $version }
terms-on-behalf = { $owner }さんのためにこのデバイスを登録しています。{ $owner }さんが同意している場合だけ同意してください。ご本人が自分でデバイスを登録するときには、もう一度確認します。
terms-accept-button = 同意します
terms-decline-button = 同意しません
terms-decline = 同意しない場合はサインアウトし、{ $device }は何も変わりません。
terms-withdrawn = 利用規約への同意は不要になりました。続けるには、最初からやり直してください。

ca-title = 証明書をインストール
ca-lead = 証明書により、{ $device }がこのサーバを信頼できるようになります。{ $device }の中身がほかの人に見えるようになることはありません。
ca-too-early = 先に「次へ」をタップして証明書をインストールし、その後でこのボタンをタップしてください。
ca-tap-continue-close = 下の**次へ**をタップします。「このWebサイトは構成プロファイルをダウンロードしようとしています。許可しますか？」と表示されたら**{ -allow }**を、続いて「“設定”Appでこのプロファイルのインストールを完了してください。」と表示されたら**{ -close }**をタップします。
ca-tap-continue-settings = 下の**次へ**をタップします。「このWebサイトは設定を開いて構成プロファイルを表示しようとしています。許可しますか？」と表示されたら、**{ -allow }**をタップします。
ca-tap-continue = 下の**次へ**をタップします。「設定」にプロファイルが表示されます。
open-downloaded = **{ -settings }**を開き、**{ -profile-downloaded }**をタップします。
ca-install = **{ -install }**をタップし、パスコードを入力します。もう一度**{ -install }**をタップし（求められたらさらにもう一度）、最後に**{ -done }**をタップします。
ca-trust = **{ -settings }**で**{ -trust-settings }**に進み、**{ $certificate }**をオンにします。確認されたら**{ -ios-continue }**をタップします。
ca-come-back = Safariに戻り、**インストールしました**をタップします。
screen-next = 次の操作
screen-back = 戻る
ca-why-title = なぜ必要ですか？
ca-why = 組織のサーバは独自の証明書を使っています。この手順を省くと、次の手順でプロファイルのインストールに失敗します。
eight-minutes-title = 8分以内に
eight-minutes = ダウンロードしたプロファイルは{ $device }に8分間だけ保存されます。8分が過ぎたら、もう一度ダウンロードしてください。

maid-title = { account-name }
maid-lead = { $organization }から仕事用に渡されたアカウントです。App StoreやiCloudで個人的に使っているアカウントとは別です。
maid-label = { account-name }
maid-hint = メールアドレスのような形です。例：ada@example.com
maid-hint-domains = 末尾は{ $domains }です。
maid-invalid = アカウント名として正しくありません。アカウント名はメールアドレスのような形です。例：ada@example.com
maid-domain = この組織のアカウントの末尾は{ $domains }です。
maid-why-title = 何に使われますか？
maid-why = この後、デバイスの「設定」でこのアカウントへのサインインを求められます。パスワードはAppleに送られ、このサーバには送られません。

mdm-title = この{ $device }を登録
mdm-lead-personal = 最後の手順です。{ $device }に{ $organization }用の仕事の領域が別に作られます。あなた自身のデータはそのままです。
mdm-lead-institutional = 最後の手順です。完了すると、{ $organization }がこの{ $device }を管理します。
mdm-tap-continue-close = 下の**次へ**をタップします。「このWebサイトは構成プロファイルをダウンロードしようとしています。許可しますか？」と表示されたら**{ -allow }**を、続いて「“設定”Appでこのプロファイルのインストールを完了してください。」と表示されたら**{ -close }**をタップします。
mdm-tap-continue-settings = 下の**次へ**をタップします。「このWebサイトは設定を開いて構成プロファイルを表示しようとしています。許可しますか？」と表示されたら、**{ -allow }**をタップします。
mdm-tap-continue = 下の**次へ**をタップします。「設定」にプロファイルが表示されます。
mdm-open-downloaded = **{ -settings }**を開き、**{ -profile-downloaded }**または**{ enroll-in }**をタップします。
mdm-enroll-my = **{ enroll-my }**をタップし、パスコードを入力します。
mdm-account-password = **{ -ios-continue }**をタップし、{ account-name }でサインインします。パスワードはAppleに送られ、このサーバには送られません。
mdm-install = **{ -install }**をタップし、パスコードを入力し、もう一度**{ -install }**をタップします。
mdm-verified = { $device }がどのデバイスかを伝え、確認されます。その後、リモート管理のプロファイルが表示されたら**{ -install }**をタップします。
mdm-trust = リモート管理について確認されたら**{ -trust }**、続いて**{ -done }**をタップします。
mdm-come-back = Safariに戻り、**インストールしました**をタップします。
mdm-account-title = { account-name }

about-title = 組織に見えるもの
about-lead = 組織ができることはAppleが定めています。{ $organization }の範囲は次のとおりです。
about-personal = デバイスがあなたのものの場合
about-institutional = デバイスが{ $organization }のものの場合
about-cannot = { $organization }ができないこと
about-can = { $organization }ができること
cannot-read = メッセージ、メール、写真、通話、閲覧履歴を見ること
cannot-locate = あなたの現在地を知ること
cannot-apps = あなたが自分でインストールしたAppを見ること
cannot-identify = シリアル番号、電話番号など、デバイス固有の番号を見ること
cannot-erase = デバイスを消去したり、パスコードを削除したりすること
can-model = 機種、iOSのバージョン、最新かどうかを見ること
can-work-apps = 組織のApp、アカウント、設定をインストール・削除し、それらを見ること
can-passcode = パスコードの設定を求めること
can-remove-own = あなたが組織を離れるとき、組織がインストールしたものを削除すること
can-identify = デバイスの名前、シリアル番号、電話番号を見ること
can-all-apps = インストールされているすべてのAppを見ること
can-restrict = Appや設定をインストールし、デバイスの機能を制限すること
can-lock = デバイスをロックし、パスコードを削除し、すべてを消去すること
about-leave-title = 個人のデバイスなら、いつでもやめられます
about-leave = **{ -settings }** › **{ management-row }**を開き、{ $organization }のプロファイルをタップして**{ -remove-management }**をタップします。組織のAppとデータも一緒に削除されます。
about-managed-title = { $organization }のデバイスは{ $organization }が管理します
about-managed = 管理の期間は{ $organization }が決めます。プロファイルを削除する前や、うまくいかないときは、{ $organization }にお問い合わせください。

complete-title-waiting = { $device }からの連絡を待っています
complete-lead-waiting = ダウンロードしたプロファイルがインストールされると、このページに表示されます。
complete-title-installing = もう少しです
complete-lead-installing = { $device }から応答がありました。設定を仕上げています。
complete-title-enrolled = { $device }の登録が完了しました
complete-lead-enrolled = { $organization }が管理を始めました。このページは閉じてかまいません。
complete-title-ended = この登録は終了しました
complete-lead-ended = この登録のプロファイルが削除されたか、{ $device }が改めて登録されました。もう一度登録するには、最初からやり直してください。
complete-refreshing = このページは数秒ごとに自動で更新されます。
complete-not-refreshing = このページは自動では更新されません。ボタンをタップして確認してください。
complete-still = 自動で更新しない
complete-back-button = 説明に戻る
complete-before-title = 以前と現在のデバイス
complete-before = 以前
complete-now = 現在
complete-now-enrolled = 登録済み
complete-state-ended = 管理は削除済み
complete-state-managed = 削除の通知はありません
complete-state-unknown = 管理が削除されたかどうかは確認できません
complete-fate-linked = { $organization }が両方を結び付けました。この{ $device }が古い記録に代わりました。
complete-fate-ended = 古い管理は終了しました。{ $organization }はその記録を履歴としてのみ保存します。
complete-fate-check = { $organization }が、この{ $device }が古い記録に代わったかどうかを確認し、その後で古い記録を閉じることができます。必要な操作はありません。
complete-fate-another = 別のデバイスです。今のまま変わりません。
complete-fate-gone = { $other ->
    [yes] { $owner }さんはもう持っていません。{ $organization }はその記録を閉じることができます。
   *[no] もう持っていないデバイスです。{ $organization }はその記録を閉じることができます。
  }
causes-title = { $device }にエラーが表示される場合
cause-old = 古い管理プロファイルがまだインストールされています
cause-old-then = その後、説明に戻り、新しいプロファイルをダウンロードします。
cause-old-by-account = その後、**{ -sign-in-row }**をタップし、もう一度サインインします。
cause-trust = 証明書がオンになっていません
cause-trust-do = **{ -settings }**で**{ -trust-settings }**に進み、{ $organization }の証明書をオンにします。その後、新しいプロファイルをもう一度ダウンロードします。
cause-expired = ダウンロードしたプロファイルの期限が切れました
self-service-title = もうひとつ
self-service = { $organization }のAppはSelf Serviceから入手できます。App Storeからインストールしてください。
self-service-button = Self Serviceを入手
app-title = Self Service
app-coming = Self Serviceを{ $device }に送っています。
app-prompting = { $device }にSelf Serviceのインストールの確認が表示されます。「インストール」をタップしてください。
app-sign-in = App StoreでApple IDの入力を求められます。サインインすると、Self Serviceがインストールされます。
app-installing = Self Serviceをインストールしています。
app-by-their-own-doing = App StoreがすでにSelf Serviceをインストールしています。
app-installed = Self Serviceがインストールされました。
app-refused = Self Serviceはインストールされませんでした。あとからでも入手できます。
app-not-licensed = Self Serviceのライセンスがまだありません。{ $organization }による割り当てが必要です。
app-failed = Self Serviceをインストールできませんでした。

stopped-old-title = この{ $device }には新しいiOSが必要です
stopped-old-lead = 現在のバージョンは{ $version }です。個人のデバイスはバージョン13.1以降で登録できます。それより古いとデバイス全体が管理されてしまい、選んだ内容と異なります。
stopped-old-update = **{ -settings } › 一般 › ソフトウェアアップデート**を開き、アップデートします。
stopped-old-again = その後、このページをもう一度開きます。
stopped-account-title = 「設定」で登録してください
stopped-account-lead = お使いの個人の{ $device }は、このページのプロファイルではなく、「設定」でのサインインで登録します。
stopped-account-open = **{ -settings }**を開き、**一般**、**VPNとデバイス管理**の順にタップします。
stopped-account-sign-in = **{ -sign-in-row }**をタップします。
stopped-account-account = 組織から受け取ったアカウント（@を含むもの）を入力し、**{ -ios-continue }**をタップします。
stopped-account-page = { $organization }のページが開きます。ここと同じようにサインインします。
stopped-account-password = { $device }に求められたら、アカウントのパスワードを入力し、**{ -ios-continue }**をタップします。
stopped-account-allow = **{ -allow-management }**をタップし、求められたらデバイスのパスコードを入力します。
stopped-account-yours = あなたのアカウントは**{ $account }**です。
stopped-account-lost = { $device }で組織が見つからない場合は、ヘルプデスクにお問い合わせください。
stopped-no-account-title = この{ $device }はここでは登録できません
stopped-no-account-lead = iOS 18以降、個人の{ $device }は「設定」でのサインインによって登録しますが、{ $organization }はその方法を提供していません。
stopped-by-account = このページは閉じてかまいません。
stopped-mode-title = { $device }が別の方法で登録されました
stopped-mode-lead = 選んだものとは別の種類の登録としてプロファイルが使われたため、サーバが拒否しました。{ $device }の情報は保存されていません。
stopped-mode-remove = **{ -settings } › { management-row }**を開きます。{ $organization }のプロファイルがあれば、それをタップし、**{ -remove-management }**をタップします。
stopped-mode-version = **{ -settings } › 一般 › 情報**でiOSのバージョンを確認します。
stopped-mode-again = ここで最初からやり直してください。再び同じことが起きたら、ヘルプコードを伝えてヘルプデスクにお問い合わせください。
stopped-permitted-title = この{ $device }の登録は許可されていません
stopped-permitted-lead = { $other ->
    [yes] { $organization }は、{ $owner }さんによるこの{ $device }の登録を許可していません。
   *[no] サインインしましたが、{ $organization }はこのアカウントによるこの{ $device }の登録を許可していません。
  }
stopped-permitted-ask = 登録できるはずの場合は、下のヘルプコードを伝えてヘルプデスクにお問い合わせください。
stopped-permitted-again = 登録用の別のアカウントがある場合は、それで最初からやり直してください。
stopped-unknown-title = この{ $device }を登録できるかどうか確認できません
stopped-unknown-lead = サインインに使ったサービスから、判断に必要な情報が{ $organization }に届きませんでした。あなたの操作に問題はありません。
stopped-unknown-ask = 下のヘルプコードを伝えてヘルプデスクにお問い合わせください。管理者が設定を変更する必要があります。
stopped-restricted-title = この{ $device }は別の人のために登録されています
stopped-restricted-lead = { $organization }はまだ別の人のためにこの{ $device }を管理しています。もう一度登録できるのはその人だけです。
stopped-restricted-ask = { $device }を引き継いだ場合は、ヘルプデスクに古い登録の削除を依頼し、下のヘルプコードを伝えてください。
stopped-many-title = これ以上デバイスを登録できません
stopped-many-lead = { $other ->
    [yes] { $owner }さんのデバイスは、{ $organization }が同時に登録を許可する数（{ $limit }台）に達しています。
   *[no] { $organization }が同時に登録を許可するデバイスの数（{ $limit }台）に達しています。
  }
stopped-many-devices = 登録中のデバイス
stopped-many-remove = もう使わないデバイスで**{ -settings } › { management-row }**を開き、{ $organization }のプロファイルをタップして、**{ -remove-management }**をタップします。
stopped-many-gone = デバイスを紛失した場合、消去した場合、またはほかの人のものになった場合は、下のヘルプコードを伝えて、一覧から外すようヘルプデスクに依頼してください。
stopped-many-again = その後、ここで最初からやり直してください。
stopped-below-title = この{ $device }には新しいiOSが必要です
stopped-below-lead = { $version ->
    [unknown] { $organization }が許可するものより古いバージョンです。
   *[known] バージョンは{ $version }です。{ $organization }が許可するものより古いバージョンです。
  }{ $limit ->
    [none] 条件が変わった可能性があるため、最初からやり直してください。
   *[given] { $limit }以降が必要です。
  }
stopped-below-no-update = 新しいバージョンが表示されない場合、この{ $device }は登録できません。ほかのデバイスについてヘルプデスクにお問い合わせください。
stopped-above-title = このiOSのバージョンはまだ許可されていません
stopped-above-lead = { $version ->
    [unknown] { $organization }が許可するものより新しいバージョンです。
   *[known] この{ $device }のバージョンは{ $version }です。{ $organization }が許可するものより新しいバージョンです。
  }{ $limit ->
    [none] 条件が変わった可能性があるため、最初からやり直してください。
   *[given] 許可されている最も新しいバージョンは{ $limit }です。
  }
stopped-above-ask = 古いバージョンに戻すことはできません。いつ許可されるか、下のヘルプコードを伝えてヘルプデスクにお問い合わせください。
stopped-model-title = この機種は登録できません
stopped-model-lead = { $limit ->
    [none] { $organization }では、この機種のデバイスは登録できません。
   *[given] { $organization }で登録できるのは次のものだけです：{ $limit }
  }
stopped-genuine-title = この{ $device }を確認できませんでした
stopped-genuine-lead = { $organization }で登録できるのは、Apple製であることを証明できるデバイスだけです。この{ $device }の証明は認められませんでした。{ $device }の情報は保存されていません。
stopped-other-title = 別のデバイスにプロファイルがインストールされました
stopped-other-lead = プロファイルは確認された{ $device }のためのものですが、別のデバイスにインストールされたため、サーバが拒否しました。別のデバイスの情報は保存されていません。
stopped-other-again = ここで最初からやり直し、プロファイルを同じ{ $device }にインストールしてください。

invitation-title = 登録への招待
invitation-lead = { $organization }から、iPhoneまたはiPadの登録に招待されています。
invitation-lead-again = { $organization }から、iPhoneまたはiPadを新しい管理でもう一度登録するよう招待されています。
invitation-sign-in = 次に、{ $organization }のアカウントでサインインします。この招待は1人だけが1回だけ使えます。
invitation-in-settings = この{ $device }は「設定」で登録します。次のページに表示されるコードを、そこで入力してください。
invitation-show-code = コードを表示
invitation-code-title = 「設定」で続ける
invitation-code-lead = 「設定」でサインインする前に、このコードを入力してください。
invitation-code-yours = 招待コード：
invitation-code-minutes = このコードは{ $minutes }分間使えます。この{ $device }で入力してください。
invitation-code-type = { $organization }のページが開きます。**招待コードを持っています**をタップしてコードを入力し、サインインします。
invitation-code-again = 新しいコードを表示
invitation-code-of-yours = { $organization }のページが開きます。**招待コードを持っています**をタップして**{ $code }**を入力し、サインインします。
invitation-invited = 招待されています。
invitation-invited-hint = 招待されたアカウントでサインインしてください。
invitation-have-code = 招待コードを持っています
invitation-code-field = 招待コード
invitation-code-use = コードを使う
invitation-code-wrong = このコードの招待はありません。
invitation-code-throttled = 間違ったコードが多すぎます。数分待ってから、もう一度お試しください。
invitation-code-wrong-hint = コードを確認するか、新しい招待を依頼してください。コードなしでもサインインできます。
invitation-closed-title = この招待は使えません
invitation-unknown = 招待のリンクが不完全か、招待が存在しません。
invitation-replaced = この招待は新しい招待に置き換えられました。最後に受け取ったリンクまたはコードをお使いください。
invitation-expired = この招待は期限が切れています。
invitation-revoked = この招待は取り消されました。
invitation-used = この招待はすでに使われました。
invitation-on-device = この招待は特定のiPhoneまたはiPadのためのものです。そのデバイスのホーム画面から開いてください。
invitation-too-often = この招待は開かれた回数が多すぎます。
invitation-other-person = この招待は別の人のためのものです。その人は引き続き使えます。
invitation-goes-on = 招待なしで{ $device }を登録できます。
invitation-closed-ask = 招待した人に、新しい招待を依頼してください。
invitation-closed-without = 招待なしで登録することもできます。
invitation-without-button = 招待なしで登録する
invitation-desktop-open = または、そのデバイスのSafariでこのリンクを開いてください。

desktop-title = iPhoneまたはiPadで続ける
desktop-lead = 登録したいiPhoneまたはiPadのカメラでこのコードを読み取ってください。
desktop-qr = アドレス{ $address }のQRコード
desktop-type = または、Safariにこのアドレスを入力してください。
desktop-untrusted-title = 最初にSafariの警告が表示されます
desktop-untrusted = デバイスはまだこのサーバを知らないため、「この接続ではプライバシーが保護されません」と表示されます。上のアドレスではこれは正常です。**詳細を表示**、**このWebサイトを閲覧**の順にタップし、**Webサイトを閲覧**で確認してください。最初の手順で証明書をインストールすると、警告は表示されなくなります。
which-title = お使いのデバイスはどれですか？
which-lead = SafariはMacだと伝えています。iPadや、デスクトップ用Webサイトを表示しているiPhoneも同じように伝えます。
which-ipad = iPadです
which-iphone = iPhoneです
which-mac = Macです
browser-title = このページをSafariで開いてください
browser-lead = プロファイルを{ $device }に渡せるのはSafariだけです。今は別のブラウザ、またはApp内のブラウザをお使いです。
browser-step-copy = 下のアドレスをコピーします。
browser-step-open = **{ -safari }**を開きます。
browser-step-paste = アドレスを上の欄にペーストします。

problem-not-found-title = ページが見つかりません
problem-not-found = アドレスに入力間違いがある可能性があります。
problem-not-found-do = 登録に戻ってください。途中から続けられます。
problem-method-title = ここではできません
problem-method = このページが対応していない方法で開かれました。
problem-method-do = 登録に戻り、そこのボタンを使ってください。
problem-bad-title = フォームを読み取れませんでした
problem-bad = フォームに足りない項目がありました。
problem-bad-do = 戻って、もう一度フォームに入力してください。
problem-large-title = 内容が多すぎます
problem-large = 送信された内容が、このページの上限を超えています。
problem-large-do = 戻って、短い内容でもう一度入力してください。
problem-forged-title = フォームの有効期限が切れました
problem-forged = 長く開いたままだったか、別のWebサイトから送られたか、ブラウザがCookieを保存していません。
problem-forged-do = 登録に戻り、もう一度フォームを送信してください。SafariでCookieを許可してください。
problem-link-title = このリンクはもう使えません
problem-link = プロファイルへのリンクは数分間だけ、その手順の中でのみ使えます。
problem-link-do = 登録に戻り、そこで「次へ」をタップしてください。
problem-too-often-title = 試行回数が多すぎます
problem-too-often = プロファイルのダウンロードまたはアカウントの変更の回数が多すぎます。
problem-too-often-do = サインアウトして、最初からやり直してください。プロファイルをインストールできない場合は、ヘルプデスクにお問い合わせください。
problem-account-title = 「設定」で最初からやり直してください
problem-account = このページはしばらく前に「設定」から開かれたか、別のウインドウで開かれました。
problem-account-do = このページを閉じて、「設定」で**{ -sign-in-row }**をもう一度タップしてください。
problem-version-title = このプロファイルはこのiOSのバージョン向けではありません
problem-version = 個人のデバイスではiOS 13.1から17でのみ使えます。デバイスには何も変更を加えていません。
problem-version-do = 登録したいデバイスのSafariでこのサーバのページを開いてください。そのデバイスに合った手順が表示されます。
problem-push-title = まだ登録の準備ができていません
problem-push = サーバにプッシュ証明書がないため、まだデバイスに連絡できません。
problem-push-do = ご自分では解決できません。プッシュ証明書がないことをヘルプデスクにお伝えください。
problem-unavailable-title = 1分ほど待ってからもう一度お試しください
problem-unavailable = 現在、サーバは何も保存できません。
problem-unavailable-do = 1分ほど待ってから、もう一度お試しください。これまでの内容は保存されています。
problem-internal-title = こちらで問題が発生しました
problem-internal = あなたの操作のせいではありません。失われたものもありません。
problem-internal-do = もう一度お試しください。再び起きたら、下のヘルプコードをヘルプデスクにお伝えください。

draw-alert = { $device }に表示される確認の図。タップするボタン：{ $tap }
draw-row = 「設定」の画面の図。タップする項目：{ $tap }
draw-sheet = 「設定」の画面の図。タップするボタン：{ $tap }
draw-switch = 「設定」の画面の図。オンにするスイッチ：{ $tap }
draw-ask = このWebサイトは構成プロファイルをダウンロードしようとしています。許可しますか？
draw-ask-settings = このWebサイトは設定を開いて構成プロファイルを表示しようとしています。許可しますか？
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
draw-remote-text = このプロファイルのソースを信頼して、{ $device }をリモート管理に登録しますか？
draw-general = 一般
draw-management = { $ios15 ->
    [yes] VPNとデバイス管理
   *[no] デバイス管理
  }
draw-sign-in-row = { -sign-in-row }
draw-continue = { -ios-continue }
draw-password = パスワード
draw-allow-management = { -allow-management }
