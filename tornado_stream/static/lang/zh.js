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

  "login": {
    "name": "用户名",
    "password": "密码",
    "enter": "登录",
    "enterIn": "登录（{seconds}）",
    "wrong": "密码不正确。",
    "wrongEither": "用户名或密码不正确。",
    "tooMany": "尝试次数过多，请稍候。",
    "unreachable": "无法连接到服务器。",
    "failed": "登录失败：服务器返回状态 {status}。",
    "leave": "退出登录",
    "noscript": "登录需要 JavaScript。"
  },

  "budget": {
    "tokens": "{n} 个词元",
    "low": "您的预算还剩 {left}。"
  },

  "setup": {
    "key": "使用您自己的 API 密钥",
    "keyCopy": "复制使用自己 API 密钥的命令",
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
    "hint": "Enter 发送，Shift+Enter 换行",
    "pasted": "已粘贴 {n} 个字符：“{text}…”",
    "removePasted": "移除粘贴的文字",
    "tooLong": "此消息超出约 {n} KB。一条消息最多 1 MB。",
    "noPart": "无法加载页面的这一部分。请检查能否连接服务器，然后重试。"
  },

  "waiting": {
    "label": "等待中的问题",
    "waits": "等待当前回答结束。",
    "held": "前面的回答没有完成，此问题等待您处理。",
    "edit": "编辑",
    "back": "撤回"
  },

  "message": {
    "you": "您",
    "answer": "回答",
    "showAll": "显示全部（{n} 个字符）",
    "showLess": "收起",
    "thinking": "正在思考",
    "thoughts": "思考过程",
    "refused": "模型拒绝回答",
    "toolCall": "模型请求使用工具",
    "sources": "来源",
    "sentByProgram": "由程序发送",
    "notSentAgain": "这个问题没有得到回答，不会随下一个问题一起发送。",
    "picture": "图片",
    "part": "部分：{what}",
    "fromSystem": "系统提示词",
    "fromDeveloper": "开发者消息",
    "fromAssistant": "助手",
    "fromTool": "工具结果",
    "trimmed": {
      "one": "最早的一轮问答未发送给模型，因为对话超出了模型能读取的长度。",
      "other": "最早的 {n} 轮问答未发送给模型，因为对话超出了模型能读取的长度。"
    },
    "optionRefused": "此模型不接受 {names}，发送问题时已去掉这些设置。",
    "unsaved": "此回答未保存，因为服务器无法写入磁盘。",
    "thinkingFor": "正在思考，已 {seconds}",
    "thoughtFor": "思考了 {seconds}",
    "elsewhere": "本对话的另一个分支上正在生成回答。按“停止”可将其结束。",
    "goThere": "显示该分支",
    "continue": "请从刚才停下的地方继续。"
  },

  "busy": {
    "stopping": "正在停止…",
    "reconnecting": "正在重新连接…",
    "unreachable": "无法连接服务器，正在重试…",
    "loading": "正在加载模型…",
    "waiting": "{seconds}后重试：{reason}（第 {attempt} 次）…",
    "thinking": "正在思考…",
    "first": "正在阅读您的问题…",
    "writing": "正在书写…"
  },

  "wait": {
    "model": "已等待模型 {seconds}…",
    "silent": "模型已有 {seconds}没有输出…",
    "network": "请检查网络：已有 {seconds}没有收到服务器的数据…",
    "offline": "此设备已离线。回答仍在服务器上继续生成。",
    "offlineUnsent": "此设备处于离线状态。您的问题保存在这里，网络恢复后会发送。",
    "proxy": "有代理在缓冲此回答，页面正在分段获取文字…"
  },

  "proxyHint": {
    "title": "如何修复代理",
    "why": "{proxy} 会扣留回答，直到回答完成。",
    "unknown": "某个代理",
    "nginx": "nginx：把这一行写进通向服务器的 location，或在那里删除 proxy_ignore_headers X-Accel-Buffering。",
    "nginxCopy": "复制 nginx 的配置行",
    "caddy": "Caddy：把这一行写进 reverse_proxy 块。",
    "caddyCopy": "复制 Caddy 的配置行"
  },

  "end": {
    "length": "已达到长度上限",
    "lengthHint": "模型已达到回答的长度上限。您可以请它写完其余部分。",
    "filter": "被内容过滤器截断",
    "filterHint": "服务商没有发送其余内容。",
    "odd": "回答因未知原因结束",
    "oddReason": "模型服务器给出的原因是“{reason}”，本服务器不认识它。",
    "oddHint": "如果回答不完整，您可以请它写完其余部分。",
    "empty": "模型没有发送文字",
    "emptyLength": "模型在思考时就达到了长度上限。请提高 max_tokens，或选择较低的 reasoning_effort。",
    "emptyFilter": "服务商的内容过滤器拦截了回答。",
    "tool": "模型在等待工具的结果",
    "toolHint": "此页面显示工具调用，但不会执行工具。",
    "stopped": "已停止",
    "error": "没有回答",
    "errorLate": "回答因错误而结束",
    "cutOff": "回答被截断",
    "interrupted": "回答被中断",
    "interruptedWhy": "服务器在回答完成之前停止了。",
    "gone": "服务器已不再有这个回答。",
    "other": "回答已结束：{state}",
    "notSent": "未发送",
    "unanswered": "这个问题还没有回答。",
    "auth": "请检查启动服务器处的密钥 OPENAI_API_KEY。",
    "context": "对话超出了此模型能读取的长度。",
    "retryAfter": "请在{seconds}后重试。",
    "retryNow": "现在可以重试了。",
    "closed": "与模型的连接在 {ms} 毫秒后关闭。",
    "pieces": { "other": "此前已收到回答的 {n} 个片段。" }
  },

  "failure": {
    "notSaved": "服务器无法写入磁盘。没有向模型发送任何内容。",
    "notSent": "问题在到达服务器之前已停止。",
    "notAStream": "响应不是来自本服务器。中间可能有登录页面或代理。",
    "page": "此页面出错，请重新加载。{message}",
    "other": "服务器返回了状态 {status}。"
  },

  "action": {
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
    "version": "第 {n} 个版本，共 {of} 个",
    "count": "{n}/{of}",
    "notCopied": "浏览器不允许复制。"
  },

  "next": {
    "reach": "请检查模型服务器是否在运行，地址是否正确。",
    "url": "请检查启动服务器时设置的 OPENAI_BASE_URL。",
    "slow": "模型可能正忙，或仍在加载。",
    "quota": "请到服务商处充值，或换用其他密钥。",
    "wait": "请稍候片刻再重试。",
    "model": "模型服务器上没有这个模型。",
    "change": "请修改问题或设置，然后重试。",
    "theirs": "问题出在模型服务器，通常很快会恢复。",
    "log": "原因见服务器日志。"
  },

  "edit": {
    "label": "编辑您的问题",
    "save": "保存",
    "cancel": "取消",
    "hint": "旧版本会作为分支保留。",
    "textOnly": "只会发送这段文字，不含图片和其他内容。旧版本会作为分支保留。",
    "busy": "正在生成回答，完成后即可保存。"
  },

  "details": {
    "replay": "按生成时的速度重播",
    "ms": "{n} 毫秒",
    "model": "模型",
    "upstream": "回答者",
    "cost": "费用",
    "whole": "整个对话",
    "tokens": "{n} 个 token",
    "first": "首个 token 用时",
    "total": "总用时",
    "rate": "每秒 token 数",
    "output": "输出 token",
    "reasoning": "其中用于思考",
    "input": "输入 token",
    "unknown": "未报告",
    "finish": "结束原因",
    "written": "写于",
    "about": "≈ 表示根据文本的估计值，因为模型服务器没有计算 token 数。四个字符约一个 token，中日韩文字每字约一个。"
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
    "asMarkdown": "保存为 Markdown",
    "asJson": "保存为 JSON",
    "asText": "保存为文本",
    "deleteItem": "删除",
    "untitled": "无标题",
    "generating": "正在生成",
    "unread": "未读",
    "more": "“{title}”的更多操作",
    "rename": "“{title}”的新标题",
    "loading": "正在加载…",
    "empty": "您的对话会列在这里。",
    "nothing": "没有找到“{query}”。",
    "unreachable": "现在无法加载列表。",
    "found": { "one": "找到 {n} 个对话", "other": "找到 {n} 个对话" },
    "foundMore": { "one": "找到至少 {n} 个对话", "other": "找到至少 {n} 个对话" },
    "renamed": "已重命名",
    "failed": "操作失败。服务器说：{why}",
    "noServer": "操作失败，因为无法连接服务器。"
  },

  "when": {
    "today": "今天",
    "yesterday": "昨天",
    "week": "过去 7 天",
    "month": "过去 30 天"
  },

  "trash": {
    "region": "已删除的对话",
    "deleted": "已删除“{title}”",
    "undo": "撤销",
    "undoOf": "撤销：恢复“{title}”",
    "close": "关闭",
    "said": "已删除“{title}”。按 {keys} 可撤销。",
    "keys": "Ctrl+Z",
    "restored": "已恢复“{title}”",
    "failed": "“{title}”未能删除。"
  },

  "markdown": {
    "code": "代码",
    "copy": "复制",
    "wrap": "自动换行",
    "showAll": "显示全部 {n} 行",
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
    "back": "返回正文中的脚注 {n}",
    "preview": "预览",
    "refused": "无法预览：{reason}"
  },

  "say": {
    "generating": "正在生成",
    "complete": "回答完成",
    "fresh": "新对话"
  },

  "model": {
    "label": "模型：",
    "title": "模型",
    "pick": "选择模型",
    "filter": "搜索，或输入模型名称",
    "other": "使用“{name}”",
    "default": "默认",
    "missing": "“{name}”已不再可用，将改用默认模型。",
    "runs": "这里的模型是 {name}。",
    "about": "使用自己的模型…",
    "own": "使用自己的模型",
    "close": "关闭",
    "another": "要使用其他服务器的模型，请用以下命令之一启动本服务器：",
    "loading": "正在加载…",
    "failed": "不可用",
    "unreachable": "无法连接服务器",
    "none": "没有模型",
    "demo": "这是在本机运行的小型演示模型。它快速、私密，但常常弄错事实。要使用更大的模型，请这样启动服务器：",
    "context": "{n}k token",
    "canSee": "图像",
    "canCall": "工具",
    "canThink": "推理",
    "demoShort": "在本机运行的小型演示模型，常常弄错事实。",
    "failedTitle": "模型无法使用",
    "failedNext": "请用以下命令之一启动服务器："
  },

  "panel": {
    "open": "系统提示词和参数",
    "set": "（已设置）",
    "title": "回答的设置",
    "system": "系统提示词",
    "systemHint": "模型会先读取这段内容。它只属于此对话。",
    "parameters": "参数",
    "parametersHint": "适用于此浏览器中的所有对话。留空的不会发送，由模型使用自己的值。有些模型不接受其中某些参数。",
    "temperatureHint": "用词的随机程度：0 最小，2 最大。",
    "topPHint": "模型只在累计概率达到此值的最可能的词中选择：0 到 1。",
    "maxTokensHint": "回答的最大长度（词元数）。",
    "effortHint": "推理模型思考的多少。",
    "unset": "未设置",
    "notNumber": "这不是数字。",
    "notWhole": "请输入整数。",
    "outOfRange": "请输入 {least} 到 {most} 之间的数字。",
    "systemTooLong": "系统提示词太长：最多 1 MB。",
    "beginning": "第一个问题还在发送途中，请稍后再保存。",
    "save": "保存",
    "cancel": "取消",
    "reset": "重置参数"
  },

  "shortcuts": {
    "title": "键盘快捷键",
    "send": "发送问题",
    "newline": "换行",
    "edit": "输入框为空时，编辑上一个问题",
    "stop": "停止回答",
    "search": "搜索对话",
    "fresh": "新对话",
    "side": "显示或隐藏对话列表",
    "model": "选择模型",
    "panel": "系统提示词和参数",
    "copy": "复制最新的回答",
    "list": "显示此列表",
    "or": "或",
    "single": "使用不带 Ctrl 或 Alt 的按键（/ 和 ?）",
    "ctrl": "Ctrl",
    "shift": "Shift",
    "enter": "Enter"
  }
};
