export default {
  "title": "Tornado Stream",
  "seconds": "{n} 秒",
  "copied": "已复制",
  "selected": "已选中",
  "notCopied": "无法复制",

  "tab": {
    "quiet": "{subject} – Tornado Stream",
    "generating": "⏳ {subject} – 正在生成",
    "done": "✓ {subject} – 已回答",
    "bad": "! {subject} – 请查看"
  },

  "composer": {
    "tooLong": "此消息超出约 {n} KB。一条消息最多 1 MB。",
    "noPart": "无法加载页面的这一部分。请检查能否连接服务器，然后重试。"
  },

  "message": {
    "you": "您",
    "answer": "回答",
    "sentByProgram": "由程序发送",
    "notSentAgain": "这个问题没有得到回答，不会随下一个问题一起发送。",
    "continue": "请从刚才停下的地方继续。"
  },

  "busy": {
    "stopping": "正在停止…",
    "reconnecting": "正在重新连接…",
    "unreachable": "无法连接服务器，正在重试…",
    "loading": "正在加载模型…",
    "waiting": "{seconds}后重试（第 {attempt} 次）…",
    "thinking": "正在思考…",
    "first": "正在阅读您的问题…",
    "writing": "正在书写…",
    "tool": "工具正在运行…"
  },

  "end": {
    "stopped": "已停止",
    "interrupted": "回答被中断",
    "notSent": "未发送",
    "unanswered": "这个问题还没有回答。",
    "kept": "已写出的内容会保留。"
  },

  "failure": {
    "notSent": "问题在到达服务器之前已停止。"
  },

  "action": {
    "withoutPictures": "不带图片提问",
    "retry": "重试",
    "again": "重新生成",
    "continue": "继续",
    "fresh": "新对话",
    "shorter": "去掉最早的消息再发送",
    "askToContinue": "请它写完其余部分",
    "editQuestion": "编辑问题",
    "model": "换一个模型",
    "copy": "复制",
    "edit": "编辑",
    "details": "详情",
    "previous": "上一个版本",
    "next": "下一个版本",
    "notCopied": "浏览器不允许复制。",
    "with": "用其他模型重新生成"
  },

  "place": {
    "loading": "正在打开对话…",
    "unreachable": "无法连接服务器，正在重试…",
    "missing": "没有这个对话",
    "missingWhy": "它可能已被删除，或者地址不完整。",
    "deleted": "此对话已被删除",
    "deletedWhy": "您在另一个标签页中删除了它。"
  },

  "list": {
    "untitled": "无标题",
    "generating": "正在生成",
    "unread": "未读",
    "more": "“{title}”的更多操作",
    "loading": "正在加载…",
    "empty": "您的对话会列在这里。",
    "nothing": "没有找到“{query}”。",
    "unreachable": "现在无法加载列表。",
    "found": { "one": "找到 {n} 个对话", "other": "找到 {n} 个对话" },
    "foundMore": { "one": "找到至少 {n} 个对话", "other": "找到至少 {n} 个对话" },
    "noServer": "操作失败，因为无法连接服务器。",
    "decide": "等待您的决定"
  },

  "when": {
    "today": "今天",
    "yesterday": "昨天",
    "week": "过去 7 天",
    "month": "过去 30 天"
  },

  "markdown": {
    "code": "代码",
    "copy": "复制",
    "wrap": "自动换行",
    "table": "表格",
    "image": "图片：",
    "done": "已完成",
    "open": "未完成",
    "details": "详情",
    "note": "注意",
    "tip": "提示",
    "important": "重要",
    "warning": "警告",
    "caution": "小心",
    "footnote": "脚注 {n}",
    "back": "返回正文中的脚注 {n}"
  },

  "say": {
    "generating": "正在生成",
    "complete": "回答完成",
    "fresh": "新对话"
  },

  "model": {
    "runs": "这里的模型是 {name}。",
    "loading": "正在加载…",
    "failed": "不可用",
    "unreachable": "无法连接服务器",
    "none": "没有模型"
  }
};
