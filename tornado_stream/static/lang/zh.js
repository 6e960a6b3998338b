export default {
  "title": "Tornado Stream",
  "titled": "{subject} – Tornado Stream",
  "generatingTitle": "{subject} – 正在生成",
  "seconds": "{n} 秒",
  "copied": "已复制",
  "selected": "已选中",

  "page": {
    "description": "流式聊天：不丢、不重复、不多计一个词元。",
    "skip": "跳到输入框",
    "conversations": "对话",
    "conversation": "对话内容",
    "messages": "消息",
    "new": "新对话",
    "newest": "跳到最新内容",
    "noscript": "此页面需要 JavaScript 才能实时显示回答。没有它时可以用：",
    "back": "返回聊天"
  },

  "welcome": {
    "title": "您想了解什么？",
    "what": "回答会一边生成一边显示在这里。您可以随时停止；连接断开后会从断开处继续。",
    "starters": "试试这些问题",
    "starter1": "天空为什么是蓝色的？",
    "starter2": "写一首关于雨的短诗。",
    "starter3": "给十岁的孩子解释一下网页服务器是做什么的。"
  },

  "refused": {
    "missing": "此地址没有任何内容。",
    "foreign": "此请求来自其他网站，已被拒绝。",
    "method": "不能以这种方式访问此地址。",
    "host": "服务器不响应该主机名。请用 http://localhost 打开，或用 --allowed-hosts 指定该主机名。",
    "server": "服务器出错，原因见其日志。",
    "other": "服务器没有接受此请求。"
  },

  "setup": {
    "key": "使用您自己的密钥",
    "keyCopy": "复制使用自己密钥的命令",
    "ollama": "使用本机的 Ollama",
    "ollamaCopy": "复制使用 Ollama 的命令",
    "copy": "复制"
  },

  "composer": {
    "form": "提问",
    "label": "您的问题",
    "placeholder": "问点什么…",
    "send": "发送",
    "stop": "停止",
    "hint": "Enter 发送，Shift+Enter 换行"
  },

  "message": {
    "you": "您",
    "answer": "回答",
    "thinking": "正在思考",
    "thoughts": "思考过程",
    "refused": "模型拒绝回答",
    "toolCall": "模型请求使用工具",
    "trimmed": {
      "one": "最早的一轮对话未发送：对话超出了此模型的上下文长度。",
      "other": "最早的 {n} 轮对话未发送：对话超出了此模型的上下文长度。"
    },
    "unsaved": "此回答未保存：服务器无法写入磁盘。"
  },

  "busy": {
    "stopping": "正在停止…",
    "reconnecting": "正在重新连接…",
    "unreachable": "无法连接服务器，正在重试…",
    "loading": "正在加载模型…",
    "waiting": "{seconds}后重试：{reason}（第 {attempt} 次）…",
    "thinking": "正在思考…",
    "first": "正在等待第一个字…",
    "writing": "正在书写…"
  },

  "end": {
    "length": "已达到长度上限",
    "lengthHint": "模型已达到允许的最长回答。请让它继续。",
    "filter": "被内容过滤器截断",
    "filterHint": "服务商扣留了其余内容。",
    "empty": "模型没有给出文字",
    "emptyLength": "长度上限在思考时就用完了。请提高上限，或减少思考。",
    "emptyFilter": "服务商的内容过滤器扣留了回答。",
    "tool": "模型在等待工具",
    "toolHint": "此页面只显示它的请求，不会执行任何操作。",
    "stopped": "已停止",
    "error": "没有回答",
    "errorLate": "回答因错误而结束",
    "cutOff": "回答被截断",
    "interrupted": "回答被中断",
    "interruptedWhy": "服务器在回答完成之前离开了。",
    "gone": "服务器已不再有这个回答。",
    "other": "回答已结束：{state}",
    "notSent": "未发送",
    "unanswered": "这个问题还没有回答。",
    "auth": "请检查启动服务器处的密钥 OPENAI_API_KEY。",
    "context": "对话超出了此模型能读取的长度。",
    "retryAfter": "请在{seconds}后重试。"
  },

  "failure": {
    "notSaved": "服务器无法写入磁盘。没有向模型发送任何内容。",
    "notSent": "在到达服务器之前已停止。",
    "notAStream": "应答的不是本服务器。中间是否有登录页面或代理？",
    "page": "此页面出错，请重新加载。{message}",
    "other": "服务器返回了状态 {status}。"
  },

  "action": {
    "retry": "重试",
    "again": "重新生成",
    "goOn": "继续",
    "fresh": "新对话",
    "shorter": "去掉最早的几轮再发送"
  },

  "place": {
    "loading": "正在打开对话…",
    "unreachable": "无法连接服务器，正在重试…",
    "missing": "没有这个对话",
    "missingWhy": "它可能已被删除，或者地址不完整。",
    "deleted": "此对话已被删除",
    "deletedWhy": "您在另一个标签页中删除了它。",
    "new": "开始新对话"
  },

  "list": {
    "search": "搜索对话",
    "searchShort": "搜索",
    "close": "关闭列表",
    "menu": "此对话",
    "renameItem": "重命名",
    "deleteItem": "删除…",
    "deleteTitle": "删除此对话？",
    "cancel": "取消",
    "delete": "删除",
    "untitled": "无标题",
    "generating": "正在生成",
    "more": "“{title}”的更多操作",
    "rename": "“{title}”的新标题",
    "remove": "“{title}”及其所有消息将从服务器上删除，且无法撤销。",
    "loading": "正在加载…",
    "empty": "您的对话会列在这里。",
    "nothing": "没有找到“{query}”。",
    "unreachable": "现在无法加载列表。",
    "found": { "one": "找到 {n} 个对话", "other": "找到 {n} 个对话" },
    "foundMore": { "one": "找到至少 {n} 个对话", "other": "找到至少 {n} 个对话" },
    "renamed": "已重命名",
    "removed": "已删除",
    "failed": "操作失败。服务器说：{why}",
    "noServer": "操作失败：无法连接服务器。"
  },

  "say": {
    "generating": "正在生成",
    "complete": "回答完成",
    "fresh": "新对话"
  },

  "model": {
    "label": "模型：",
    "title": "模型",
    "close": "关闭",
    "another": "要使用其他模型，请这样启动服务器",
    "loading": "正在加载…",
    "failed": "不可用",
    "unreachable": "无法连接服务器",
    "none": "没有模型",
    "demo": "这是在本机运行的小型演示模型。它快速、私密，但常常弄错事实。要使用更大的模型，请这样启动服务器：",
    "demoShort": "在本机运行的小型演示模型，常常弄错事实。",
    "failedTitle": "模型无法使用",
    "failedNext": "请用以下命令之一启动服务器：",
    "provider": "提供方 {name}，{state}。"
  }
};
