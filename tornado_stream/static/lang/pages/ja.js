export default {
  "page": {
    "archive": "アーカイブ",
    "description": "トークンを失わず、繰り返さず、二重に課金しないストリーミングチャット。",
    "skip": "入力欄へ移動",
    "conversations": "会話",
    "conversation": "会話の内容",
    "messages": "メッセージ",
    "new": "新しい会話",
    "newest": "最新のテキストへ",
    "back": "チャットに戻る"
  },

  "plain": {
    "whole": "会話全体",
    "running": "回答を生成中です。このページは 2 秒ごとに再読み込みされます。",
    "now": "今すぐ読み込む",
    "older": "以前の会話",
    "stopped": "この回答は停止されました。",
    "error": "この回答はエラーで終了しました。",
    "cut_off": "この回答は途中で切れました。",
    "interrupted": "この回答は中断されました。"
  },

  "welcome": {
    "title": "何を知りたいですか？",
    "what": "回答は書かれるそばからここに表示されます。いつでも停止できます。接続が切れても、回答は同じところから続きます。",
    "starters": "質問の例",
    "starter1": "空はなぜ青いのですか？",
    "starter2": "私たちはなぜ夢を見るのですか？",
    "starter3": "ウェブサーバーの役割を 10 歳の子どもに説明してください。"
  },

  "refused": {
    "missing": "このアドレスには何もありません。",
    "foreign": "このリクエストは別のサイトから送られたため、拒否されました。",
    "method": "このアドレスはこの種類のリクエストに対応していません。",
    "host": "サーバーはこの名前では応答しません。http://localhost で開くか、--allowed-hosts で名前を指定してください。",
    "user": "ログインしていますが、このサーバーにあなたの名前のユーザーはいません。管理者にお問い合わせください。",
    "server": "サーバーでエラーが発生しました。理由はサーバーのログにあります。",
    "other": "サーバーはこのリクエストを受け付けませんでした。"
  },

  "usage": {
    "title": "使用量",
    "everybody": "全員の使用量",
    "show": "表示",
    "by": "集計単位",
    "day": "日",
    "model": "モデル",
    "upstream": "プロバイダー",
    "user": "ユーザー",
    "amount": "料金",
    "requests": "回答",
    "prompt": "入力トークン",
    "cached": "うちキャッシュ",
    "completion": "出力トークン",
    "unknown": "料金不明",
    "none": "この期間の回答はありません。",
    "noCost": "この期間の回答に料金のあるものはありません。",
    "plot": "1 日あたりの料金",
    "plotTokens": "1 日あたりのトークン",
    "table": "使用量の表",
    "note": "日付は UTC です。≈ は一部が推定された値を示します。",
    "more": "表は一部だけです。ファイルにはすべての行があります。",
    "file": "表計算用のファイル（CSV）",
    "from": "開始日",
    "to": "終了日"
  },

  "login": {
    "name": "ユーザー名",
    "password": "パスワード",
    "leave": "ログアウト",
    "noscript": "ログインには JavaScript が必要です。"
  },

  "setup": {
    "key": "お持ちの API キーを使う",
    "keyCopy": "API キー用の行をコピー",
    "ollama": "このマシンの Ollama を使う",
    "ollamaCopy": "Ollama 用の行をコピー"
  },

  "composer": {
    "form": "質問する",
    "label": "質問",
    "placeholder": "質問を入力…",
    "stop": "停止",
    "hint": "Enter で送信、Shift+Enter で改行"
  },

  "place": {
    "new": "新しい会話を始める"
  },

  "list": {
    "search": "会話を検索",
    "searchShort": "検索",
    "close": "一覧を閉じる",
    "menu": "この会話",
    "renameItem": "名前を変更",
    "asMarkdown": "Markdown で保存",
    "asJson": "JSON で保存",
    "asText": "テキストで保存",
    "deleteItem": "削除"
  },

  "model": {
    "label": "モデル：",
    "own": "独自のモデルを使う",
    "another": "別のサーバーのモデルを使うには、次のいずれかの行でこのサーバーを起動してください："
  },

  "panel": {
    "open": "システムプロンプトとパラメーター",
    "set": "（設定済み）"
  }
};
