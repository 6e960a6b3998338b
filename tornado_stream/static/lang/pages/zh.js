export default {
  "files": {
    "add": "添加文件",
    "camera": "拍照"
  },

  "page": {
    "archive": "归档",
    "description": "流式聊天：不丢、不重复、不多计一个 token。",
    "skip": "跳到输入框",
    "conversations": "对话",
    "conversation": "对话内容",
    "messages": "消息",
    "new": "新对话",
    "newest": "跳到最新内容",
    "back": "返回聊天"
  },

  "plain": {
    "whole": "完整对话",
    "running": "正在生成回答。此页面每两秒重新加载一次。",
    "now": "立即加载",
    "older": "更早的对话",
    "stopped": "此回答已停止。",
    "error": "此回答因错误而结束。",
    "cut_off": "此回答被截断。",
    "interrupted": "此回答被中断。"
  },

  "welcome": {
    "title": "您想了解什么？",
    "what": "回答会一边生成一边显示在这里。您可以随时停止。如果连接断开，恢复后会从断开处继续。",
    "starters": "试试这些问题",
    "starter1": "天空为什么是蓝色的？",
    "starter2": "我们为什么会做梦？",
    "starter3": "给十岁的孩子解释一下网页服务器是做什么的。",
    "presets": "预设和提示词…",
    "temporary": "临时对话"
  },

  "refused": {
    "missing": "此地址没有任何内容。",
    "foreign": "此请求来自其他网站，已被拒绝。",
    "method": "不能以这种方式访问此地址。",
    "host": "服务器不响应该主机名。请用 http://localhost 打开，或用 --allowed-hosts 指定该主机名。",
    "user": "您已登录，但此服务器没有与您同名的用户。请联系管理员。",
    "server": "服务器出错，原因见其日志。",
    "other": "服务器没有接受此请求。"
  },

  "usage": {
    "title": "用量",
    "everybody": "所有人的用量",
    "show": "显示",
    "by": "分组",
    "day": "日期",
    "model": "模型",
    "upstream": "上游",
    "user": "用户",
    "amount": "费用",
    "requests": "回答",
    "prompt": "输入 token",
    "cached": "其中缓存",
    "completion": "输出 token",
    "unknown": "费用未知",
    "none": "这段时间没有回答。",
    "noCost": "这段时间没有回答带有价格。",
    "plot": "每日费用",
    "plotTokens": "每日 token",
    "table": "用量表",
    "note": "日期按 UTC 计算。≈ 表示部分数字是估算的。",
    "more": "表格不完整；文件包含所有行。",
    "file": "下载表格文件 (CSV)",
    "from": "从",
    "to": "到"
  },

  "login": {
    "name": "用户名",
    "password": "密码",
    "leave": "退出登录",
    "shared": "共用登录",
    "noscript": "登录需要 JavaScript。"
  },

  "setup": {
    "key": "使用您自己的 API 密钥",
    "keyCopy": "复制使用自己 API 密钥的命令",
    "ollama": "使用本机的 Ollama",
    "ollamaCopy": "复制使用 Ollama 的命令"
  },

  "composer": {
    "form": "提问",
    "label": "您的问题",
    "placeholder": "问点什么…",
    "stop": "停止"
  },

  "place": {
    "new": "开始新对话"
  },

  "list": {
    "search": "搜索对话",
    "searchShort": "搜索",
    "close": "关闭列表"
  },

  "model": {
    "label": "模型：",
    "own": "使用自己的模型",
    "another": "要使用其他服务器的模型，请用以下命令之一启动本服务器："
  },

  "panel": {
    "open": "系统提示词和参数",
    "set": "（已设置）"
  },

  "shared": {
    "note": "有人与您分享了此对话。您可以在此阅读，但不能写入。",
    "running": "正在撰写回答。重新加载此页面可查看更多内容。",
    "reload": "重新加载",
    "more": "此页面仅显示开头部分。",
    "markdown": "Markdown 格式",
    "text": "纯文本格式"
  }
};
