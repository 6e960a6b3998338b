export default {
  "setup": {
    "copy": "复制"
  },

  "composer": {
    "send": "发送"
  },

  "waiting": {
    "label": "等待中的问题",
    "waits": "等待当前回答结束。",
    "held": "此问题等待您处理。",
    "edit": "编辑",
    "back": "撤回"
  },

  "message": {
    "showAll": "显示全部（{n} 个字符）",
    "showLess": "收起",
    "picture": "图片",
    "part": "部分：{what}",
    "fromSystem": "系统提示词",
    "fromDeveloper": "开发者消息",
    "fromAssistant": "助手",
    "fromTool": "工具结果"
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

  "edit": {
    "label": "编辑您的问题",
    "save": "保存",
    "cancel": "取消",
    "busy": "正在生成回答，完成后即可保存。",
    "hint": "旧版本会作为分支保留。",
    "textOnly": "只会发送这段文字，不含图片和其他内容。旧版本会作为分支保留。"
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
    "about": "≈ 表示根据文本的估计值，因为模型服务器没有计算 token 数。四个字符约一个 token，中日韩文字每字约一个。",
    "closed": "与模型的连接关闭用时",
    "pieces": "停止前收到的片段"
  },

  "list": {
    "failed": "操作失败。{why}",
    "said": "服务器说：{why}",
    "rename": "“{title}”的新标题",
    "renamed": "已重命名",
    "menu": "此对话",
    "renameItem": "重命名",
    "asMarkdown": "保存为 Markdown",
    "asJson": "保存为 JSON",
    "asText": "保存为文本",
    "deleteItem": "删除"
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
    "preview": "预览",
    "refused": "无法预览：{reason}"
  },

  "model": {
    "title": "模型",
    "pick": "选择模型",
    "filter": "搜索，或输入模型名称",
    "other": "使用“{name}”",
    "default": "默认",
    "missing": "“{name}”已不再可用，将改用默认模型。",
    "about": "使用自己的模型…",
    "close": "关闭",
    "context": "{n}k token",
    "canSee": "图像",
    "canCall": "工具",
    "canThink": "推理",
    "demoShort": "在本机运行的小型演示模型，常常弄错事实。",
    "favourites": "收藏",
    "recent": "最近使用",
    "price": "每百万 token：输入 {input}，输出 {output}",
    "free": "免费",
    "awayReach": "暂时无法连接",
    "awayKey": "拒绝了服务器的密钥",
    "awayQuota": "余额已用完",
    "isFavourite": "已收藏",
    "starred": "已收藏“{name}”",
    "unstarred": "已取消收藏“{name}”",
    "starHint": "按 Shift+Enter 收藏或取消收藏该模型。",
    "star": "收藏",
    "contextMillions": "{n}M token"
  },

  "panel": {
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
    "or": "或",
    "single": "使用不带 Ctrl 或 Alt 的按键（/ 和 ?）",
    "ctrl": "Ctrl",
    "shift": "Shift",
    "enter": "Enter"
  },

  "held": {
    "stopped": "前面的回答已停止，此问题等待您处理。",
    "error": "前面的回答失败了，此问题等待您处理。",
    "cut_off": "前面的回答被截断，此问题等待您处理。",
    "interrupted": "前面的回答被中断，此问题等待您处理。",
    "unanswered": "前面的问题没有回答，此问题等待您处理。",
    "restarted": "服务器已重启，此问题等待您处理。"
  },

  "error": {
    "connect_failed": "无法连接模型服务器。",
    "connect_timeout": "连接模型服务器超时。",
    "tls_failed": "与模型服务器的连接不安全，因此没有使用。",
    "first_byte_timeout": "模型服务器没有及时开始回答。",
    "idle_timeout": "模型服务器在回答途中长时间没有响应。",
    "answer_timeout": "回答时间超过了本服务器的限制。",
    "connection_closed": "回答完成之前，模型服务器关闭了连接。",
    "connection_reset": "与模型服务器的连接中断了。",
    "malformed_response": "模型服务器发送的回答已损坏。",
    "upstream_cut_off": "模型服务器中断了回答。",
    "line_too_long": "模型服务器发送的一行内容过长。",
    "answer_too_long": "回答超过了本服务器保存的长度。",
    "not_an_api": "模型服务器的地址上没有模型 API。",
    "auth": "模型服务器拒绝了密钥。",
    "quota": "服务商账户余额不足。",
    "rate_limit": "模型服务器当前收到的请求过多。",
    "model_not_found": "模型服务器上没有这个模型。",
    "context_length": "对话超出了此模型能读取的长度。",
    "bad_request": "模型服务器拒绝了请求。",
    "upstream_5xx": "模型服务器出错。",
    "upstream_error": "模型服务器报告了错误。",
    "local_model_failed": "本地模型无法运行。",
    "server_error": "本服务器出错。",
    "no_models": "无法列出任何模型。",
    "invalid_request": "服务器无法理解此请求。",
    "invalid_json": "服务器无法读取此请求。",
    "not_json": "服务器无法读取此请求。",
    "unsupported_encoding": "服务器无法读取此请求。",
    "unsupported_parameter": "服务器不支持请求中的某个参数。",
    "unsupported_value": "服务器不支持请求中的某个值。",
    "login_required": "您需要登录。",
    "wrong_token": "令牌无效。",
    "wrong_password": "密码不正确。",
    "too_many_tries": "错误尝试次数过多，请稍候。",
    "needs_session": "此操作需要用密码登录。",
    "password_is_a_setting": "只有服务器管理员才能更改此密码。",
    "not_a_user": "您已登录，但此服务器没有与您同名的用户。",
    "ambiguous_user": "代理没有明确说明您的身份。",
    "forbidden": "不允许此操作。",
    "not_found": "它已不存在。",
    "item_not_found": "请求中提到的内容不存在。",
    "unknown_host": "服务器不响应此主机名。",
    "method_not_allowed": "不能以这种方式访问此地址。",
    "request_timeout": "请求到达得太慢。",
    "conflict": "现在无法执行此操作。",
    "conversation_busy": "此对话中已在生成回答。",
    "changed_meanwhile": "它已在别处被更改。",
    "already_sent": "这个问题已经发送过了。",
    "request_id_reused": "发送此问题所用的标识已被使用。",
    "idempotency_key_reused": "此键已用于另一个请求。",
    "name_in_use": "此名称已被使用。",
    "preset_is_shared": "此预设为所有人共用，只有服务器管理员才能更改。",
    "too_large": "请求过大。",
    "message_too_large": "此消息过长。",
    "conversation_too_large": "此对话对服务器来说过长。",
    "conversation_full": "此对话的消息数已达上限。",
    "too_many": "当前请求过多。",
    "too_many_answers": "正在生成的回答过多，请等待其中一个完成。",
    "too_many_bodies": "当前到达的大型请求过多。",
    "too_many_connections": "当前连接过多。",
    "too_many_readers": "当前读取的大型对话过多。",
    "too_many_presets": "您的预设数已达上限。",
    "budget_reached": "您的预算已用完。",
    "export_running": "您的另一个导出正在进行。",
    "search_too_slow": "搜索时间过长。请搜索更长或更少见的文字。",
    "not_saved": "服务器无法写入磁盘。没有保存任何内容，也没有向模型发送任何内容。",
    "draining": "服务器正在重启，请稍后再试。",
    "unavailable": "服务器现在无法执行此操作。"
  }
};
