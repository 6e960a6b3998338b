export default {
  "setup": {
    "copy": "コピー"
  },

  "composer": {
    "send": "送信"
  },

  "waiting": {
    "label": "待機中の質問",
    "waits": "回答が終わるのを待っています。",
    "held": "この質問は保留中です。",
    "edit": "編集",
    "back": "取り下げる"
  },

  "message": {
    "showAll": "すべて表示（{n} 文字）",
    "showLess": "折りたたむ",
    "picture": "画像",
    "part": "パート：{what}",
    "fromSystem": "システムプロンプト",
    "fromDeveloper": "開発者メッセージ",
    "fromAssistant": "アシスタント",
    "fromTool": "ツールの結果"
  },

  "wait": {
    "model": "モデルを待っています（{seconds}）…",
    "silent": "モデルからの応答が途絶えています（{seconds}）…",
    "network": "ネットワークを確認してください。サーバーから {seconds}何も届いていません…",
    "offline": "このデバイスはオフラインです。回答はサーバーで続いています。",
    "offlineUnsent": "このデバイスはオフラインです。質問はここに保存され、ネットワークが戻ると送信されます。",
    "proxy": "プロキシがこの回答をため込んでいます。ページが少しずつテキストを取得しています…"
  },

  "proxyHint": {
    "title": "プロキシを修正する方法",
    "why": "{proxy} は回答が完成するまで送信を止めています。",
    "unknown": "プロキシ",
    "nginx": "nginx：このサーバーにつながる location にこの行を書くか、そこから proxy_ignore_headers X-Accel-Buffering を削除してください。",
    "nginxCopy": "nginx 用の行をコピー",
    "caddy": "Caddy：reverse_proxy ブロックにこの行を書いてください。",
    "caddyCopy": "Caddy 用の行をコピー"
  },

  "edit": {
    "label": "質問を編集",
    "save": "保存",
    "cancel": "キャンセル",
    "busy": "回答を生成中です。完了すると保存できます。",
    "hint": "以前のバージョンは別のブランチとして残ります。",
    "textOnly": "このテキストだけが送信され、画像などは送信されません。以前のバージョンは別のブランチとして残ります。"
  },

  "details": {
    "replay": "書かれたとおりに再生",
    "ms": "{n} ミリ秒",
    "model": "モデル",
    "upstream": "回答元",
    "cost": "料金",
    "whole": "会話全体",
    "tokens": "{n} トークン",
    "first": "最初のトークンまで",
    "total": "合計時間",
    "rate": "毎秒のトークン数",
    "output": "出力トークン",
    "reasoning": "うち推論",
    "input": "入力トークン",
    "unknown": "報告なし",
    "finish": "終了",
    "written": "作成日時",
    "about": "≈ の付いた値はテキストからの推定です。モデルのサーバーがトークンを数えなかったためです。4 文字を 1 トークン、日本語・中国語・韓国語は 1 文字を 1 トークンとして数えます。",
    "closed": "モデルとの接続を閉じるまで",
    "pieces": "停止までに受信した断片"
  },

  "list": {
    "failed": "うまくいきませんでした。{why}",
    "said": "サーバーの応答：{why}",
    "rename": "「{title}」の新しいタイトル",
    "renamed": "名前を変更しました",
    "menu": "この会話",
    "renameItem": "名前を変更",
    "asMarkdown": "Markdown で保存",
    "asJson": "JSON で保存",
    "asText": "テキストで保存",
    "deleteItem": "削除"
  },

  "trash": {
    "region": "削除した会話",
    "deleted": "「{title}」を削除しました",
    "undo": "元に戻す",
    "undoOf": "元に戻す：「{title}」を復元",
    "close": "閉じる",
    "said": "「{title}」を削除しました。{keys} で元に戻せます。",
    "keys": "Ctrl+Z",
    "restored": "「{title}」を復元しました",
    "failed": "「{title}」は削除されませんでした。"
  },

  "markdown": {
    "preview": "プレビュー",
    "refused": "プレビューできません：{reason}"
  },

  "model": {
    "title": "モデル",
    "pick": "モデルを選ぶ",
    "filter": "検索、またはモデル名を入力",
    "other": "「{name}」を使う",
    "default": "既定",
    "missing": "「{name}」は利用できなくなりました。代わりに既定のモデルを使います。",
    "about": "独自のモデルを使う…",
    "close": "閉じる",
    "context": "{n}k トークン",
    "canSee": "画像",
    "canCall": "ツール",
    "canThink": "推論",
    "demoShort": "このマシンで動く小さなデモ用モデルです。事実をよく間違えます。",
    "favourites": "お気に入り",
    "recent": "最近使ったモデル",
    "price": "100万トークンあたり 入力 {input}、出力 {output}",
    "free": "無料",
    "awayReach": "現在接続できません",
    "awayKey": "サーバーのキーを拒否しました",
    "awayQuota": "残高がありません",
    "isFavourite": "お気に入り",
    "starred": "「{name}」をお気に入りに追加しました",
    "unstarred": "「{name}」をお気に入りから外しました",
    "starHint": "Shift+Enter でお気に入りに追加または解除します。",
    "star": "お気に入り",
    "contextMillions": "{n}M トークン"
  },

  "panel": {
    "title": "回答の設定",
    "system": "システムプロンプト",
    "systemHint": "モデルはこれを最初に読みます。この会話だけに適用されます。",
    "parameters": "パラメーター",
    "parametersHint": "このブラウザーのすべての会話に適用されます。空欄の項目は送信されず、モデル自身の値が使われます。すべてを受け付けないモデルもあります。",
    "temperatureHint": "言葉の選び方のランダムさ：0（最小）から 2（最大）。",
    "topPHint": "合わせてこの確率になる、最も可能性の高い言葉だけから選びます：0 から 1。",
    "maxTokensHint": "回答の最大の長さ（トークン数）。",
    "effortHint": "推論モデルがどれだけ考えるか。",
    "unset": "未設定",
    "notNumber": "数値ではありません。",
    "notWhole": "整数を入力してください。",
    "outOfRange": "{least} から {most} までの数値を入力してください。",
    "systemTooLong": "システムプロンプトが長すぎます。最大 1 MB です。",
    "beginning": "最初の質問をまだ送信中です。少し待ってからもう一度保存してください。",
    "save": "保存",
    "cancel": "キャンセル",
    "reset": "パラメーターをリセット"
  },

  "shortcuts": {
    "title": "キーボードショートカット",
    "or": "または",
    "single": "Ctrl や Alt なしのキー（/ と ?）を使う",
    "ctrl": "Ctrl",
    "shift": "Shift",
    "enter": "Enter"
  },

  "held": {
    "stopped": "前の回答が停止されたため、この質問は保留中です。",
    "error": "前の回答が失敗したため、この質問は保留中です。",
    "cut_off": "前の回答が途中で切れたため、この質問は保留中です。",
    "interrupted": "前の回答が中断されたため、この質問は保留中です。",
    "unanswered": "前の質問に回答がないため、この質問は保留中です。",
    "restarted": "サーバーが再起動されたため、この質問は保留中です。"
  },

  "error": {
    "connect_failed": "モデルのサーバーに接続できません。",
    "connect_timeout": "モデルのサーバーが時間内に接続を受け付けませんでした。",
    "tls_failed": "モデルのサーバーへの接続が安全でないため、使用しませんでした。",
    "first_byte_timeout": "モデルのサーバーが時間内に回答を始めませんでした。",
    "idle_timeout": "回答の途中でモデルのサーバーからの応答が長く途絶えました。",
    "answer_timeout": "回答にかかった時間がこのサーバーの上限を超えました。",
    "connection_closed": "回答が完成する前に、モデルのサーバーが接続を閉じました。",
    "connection_reset": "モデルのサーバーへの接続が切れました。",
    "malformed_response": "モデルのサーバーが壊れた回答を送信しました。",
    "upstream_cut_off": "モデルのサーバーが回答を打ち切りました。",
    "line_too_long": "モデルのサーバーが長すぎる行を送信しました。",
    "answer_too_long": "回答がこのサーバーで保存できる長さを超えています。",
    "not_an_api": "モデルのサーバーのアドレスに、モデルの API がありません。",
    "auth": "モデルのサーバーがキーを拒否しました。",
    "quota": "プロバイダーのアカウントに残高がありません。",
    "rate_limit": "モデルのサーバーへのリクエストが現在多すぎます。",
    "model_not_found": "モデルのサーバーにこのモデルはありません。",
    "context_length": "会話がこのモデルの読める長さを超えています。",
    "bad_request": "モデルのサーバーがリクエストを拒否しました。",
    "upstream_5xx": "モデルのサーバーで障害が発生しました。",
    "upstream_error": "モデルのサーバーがエラーを報告しました。",
    "local_model_failed": "ローカルモデルを実行できません。",
    "server_error": "このサーバーでエラーが発生しました。",
    "no_models": "モデルを一覧にできません。",
    "invalid_request": "サーバーがリクエストを理解できませんでした。",
    "invalid_json": "サーバーがリクエストを読み取れませんでした。",
    "not_json": "サーバーがリクエストを読み取れませんでした。",
    "unsupported_encoding": "サーバーがリクエストを読み取れませんでした。",
    "unsupported_parameter": "サーバーはリクエストの項目の一つに対応していません。",
    "unsupported_value": "サーバーはリクエストの値の一つに対応していません。",
    "login_required": "ログインが必要です。",
    "wrong_token": "トークンが無効です。",
    "wrong_password": "パスワードが正しくありません。",
    "too_many_tries": "失敗した試行が多すぎます。しばらくお待ちください。",
    "needs_session": "この操作にはパスワードでのログインが必要です。",
    "password_is_a_setting": "このパスワードを変更できるのはサーバーの管理者だけです。",
    "not_a_user": "ログインしていますが、このサーバーにあなたの名前のユーザーはいません。",
    "ambiguous_user": "プロキシがユーザー名を一つに定めて伝えませんでした。",
    "forbidden": "この操作は許可されていません。",
    "not_found": "これはもう存在しません。",
    "item_not_found": "リクエストが存在しないものを指定しています。",
    "unknown_host": "サーバーはこのホスト名では応答しません。",
    "method_not_allowed": "このアドレスはこの種類のリクエストに対応していません。",
    "request_timeout": "リクエストの到着に時間がかかりすぎました。",
    "conflict": "今はこの操作を行えません。",
    "conversation_busy": "この会話ではすでに回答を生成中です。",
    "changed_meanwhile": "その間に別の場所で変更されました。",
    "already_sent": "この質問はすでに送信されています。",
    "request_id_reused": "この質問は、すでに使われている識別子で送信されました。",
    "idempotency_key_reused": "このキーではすでに別のリクエストが送信されています。",
    "name_in_use": "この名前はすでに使われています。",
    "preset_is_shared": "このプリセットは全員のものです。変更できるのはサーバーの管理者だけです。",
    "too_large": "リクエストが大きすぎます。",
    "message_too_large": "このメッセージは長すぎます。",
    "conversation_too_large": "この会話はサーバーには長すぎます。",
    "conversation_full": "この会話のメッセージ数は上限に達しています。",
    "too_many": "現在リクエストが多すぎます。",
    "too_many_answers": "生成中の回答が多すぎます。一つ完了するまでお待ちください。",
    "too_many_bodies": "現在、大きなリクエストが多すぎます。",
    "too_many_connections": "現在接続が多すぎます。",
    "too_many_readers": "現在、読み込み中の大きな会話が多すぎます。",
    "too_many_presets": "プリセットの数が上限に達しています。",
    "budget_reached": "予算を使い切りました。",
    "export_running": "会話の別のエクスポートを実行中です。",
    "search_too_slow": "検索に時間がかかりすぎました。より長い、または珍しいテキストで検索してください。",
    "not_saved": "サーバーがディスクに書き込めません。何も保存されず、モデルにも送信されませんでした。",
    "draining": "サーバーを再起動しています。少し待ってからもう一度お試しください。",
    "unavailable": "サーバーは今この操作を行えません。"
  }
};
