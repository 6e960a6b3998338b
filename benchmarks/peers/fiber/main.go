// A relay with Fiber as server and Go's net/http as client, encoding/json, and a Flush for each token.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"log"
	"net/http"
	"os"

	"github.com/gofiber/fiber/v3"
)

type question struct {
	Model    string          `json:"model"`
	Messages json.RawMessage `json:"messages"`
	Stream   bool            `json:"stream"`
}

type chunk struct {
	Choices []struct {
		Delta struct {
			Content string `json:"content"`
		} `json:"delta"`
	} `json:"choices"`
}

var client = &http.Client{Transport: &http.Transport{MaxIdleConns: 5000, MaxIdleConnsPerHost: 5000}}

func chat(c fiber.Ctx) error {
	asked := question{}
	if err := json.Unmarshal(c.Body(), &asked); err != nil {
		return fiber.NewError(fiber.StatusBadRequest, err.Error())
	}
	asked.Stream = true
	body, _ := json.Marshal(asked)
	request, _ := http.NewRequest("POST", os.Args[2]+"/chat/completions", bytes.NewReader(body))
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", "Bearer sk-none")
	response, err := client.Do(request)
	if err != nil {
		return fiber.NewError(fiber.StatusBadGateway, err.Error())
	}
	c.Set("Content-Type", "text/event-stream")
	c.Set("Cache-Control", "no-cache")
	return c.SendStreamWriter(func(w *bufio.Writer) {
		defer response.Body.Close()
		prefix := []byte("data: ")
		lines := bufio.NewScanner(response.Body)
		for lines.Scan() {
			data := bytes.TrimPrefix(lines.Bytes(), prefix)
			if len(data) == len(lines.Bytes()) || string(data) == "[DONE]" {
				continue
			}
			event := chunk{}
			if json.Unmarshal(data, &event) != nil || len(event.Choices) == 0 {
				continue
			}
			if content := event.Choices[0].Delta.Content; content != "" {
				text, _ := json.Marshal(map[string]string{"content": content})
				w.WriteString("data: ")
				w.Write(text)
				w.WriteString("\n\n")
				if w.Flush() != nil {
					return // the client is gone
				}
			}
		}
	})
}

func main() {
	app := fiber.New()
	app.Post("/chat", chat)
	quiet := fiber.ListenConfig{DisableStartupMessage: true}
	log.Fatal(app.Listen("127.0.0.1:"+os.Args[1], quiet))
}
