export default {
  "title": "Tornado Stream",
  "seconds": "{n} 秒",
  "copied": "コピーしました",
  "selected": "選択しました",
  "notCopied": "テキストをコピーできませんでした",

  "tab": {
    "quiet": "{subject} – Tornado Stream",
    "generating": "⏳ {subject} – 生成中",
    "done": "✓ {subject} – 回答済み",
    "bad": "! {subject} – 確認が必要です"
  },

  "composer": {
    "tooLong": "このメッセージは約 {n} KB 長すぎます。メッセージは最大 1 MB です。",
    "noPart": "ページのこの部分を読み込めませんでした。サーバーに接続できるか確認して、もう一度お試しください。"
  },

  "message": {
    "you": "あなた",
    "answer": "回答",
    "sentByProgram": "プログラムから送信",
    "notSentAgain": "この質問には回答がありませんでした。次の質問と一緒には送信されません。",
    "continue": "止まったところから、そのまま続けてください。"
  },

  "busy": {
    "stopping": "停止しています…",
    "reconnecting": "再接続しています…",
    "unreachable": "サーバーに接続できません。再試行しています…",
    "loading": "モデルを読み込んでいます…",
    "waiting": "{seconds}後に再試行します（{attempt} 回目）…",
    "thinking": "考えています…",
    "first": "質問を読んでいます…",
    "writing": "書いています…",
    "tool": "ツールを実行しています…"
  },

  "end": {
    "stopped": "停止しました",
    "interrupted": "回答が中断されました",
    "notSent": "未送信",
    "unanswered": "この質問には回答がありません。",
    "kept": "それまでに書かれた内容は残ります。"
  },

  "failure": {
    "notSent": "質問がサーバーに届く前に停止しました。"
  },

  "action": {
    "withoutPictures": "画像なしで質問",
    "retry": "再試行",
    "again": "再生成",
    "continue": "続ける",
    "fresh": "新しい会話",
    "shorter": "最も古いメッセージを除いて送信",
    "askToContinue": "続きを求める",
    "editQuestion": "質問を編集",
    "model": "別のモデルを選ぶ",
    "copy": "コピー",
    "edit": "編集",
    "details": "詳細",
    "previous": "前のバージョン",
    "next": "次のバージョン",
    "notCopied": "ブラウザーがコピーを許可しませんでした。",
    "with": "別のモデルで再生成"
  },

  "place": {
    "loading": "会話を開いています…",
    "unreachable": "サーバーに接続できません。再試行しています…",
    "missing": "この会話は存在しません",
    "missingWhy": "削除されたか、アドレスが不完全な可能性があります。",
    "deleted": "この会話は削除されました",
    "deletedWhy": "別のタブで削除しました。"
  },

  "list": {
    "untitled": "無題",
    "generating": "生成中",
    "unread": "未読",
    "more": "「{title}」のその他の操作",
    "loading": "読み込み中…",
    "empty": "会話はここに表示されます。",
    "nothing": "「{query}」は見つかりませんでした。",
    "unreachable": "現在、一覧を読み込めません。",
    "found": "{n} 件の会話が見つかりました",
    "foundMore": "{n} 件以上の会話が見つかりました",
    "noServer": "サーバーに接続できなかったため、うまくいきませんでした。",
    "decide": "あなたの判断を待っています"
  },

  "when": {
    "today": "今日",
    "yesterday": "昨日",
    "week": "過去 7 日間",
    "month": "過去 30 日間"
  },

  "markdown": {
    "code": "コード",
    "copy": "コピー",
    "wrap": "折り返す",
    "table": "表",
    "image": "画像：",
    "done": "完了",
    "open": "未完了",
    "details": "詳細",
    "note": "メモ",
    "tip": "ヒント",
    "important": "重要",
    "warning": "警告",
    "caution": "注意",
    "footnote": "脚注 {n}",
    "back": "脚注 {n} に戻る"
  },

  "say": {
    "generating": "生成中",
    "complete": "回答が完了しました",
    "fresh": "新しい会話"
  },

  "model": {
    "runs": "ここで使われるモデルは {name} です。",
    "loading": "読み込み中…",
    "failed": "利用できません",
    "unreachable": "サーバーに接続できません",
    "none": "モデルなし"
  }
};
